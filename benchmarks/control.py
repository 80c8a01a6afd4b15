"""Surrogates of policies act: python -m benchmarks.control [--episodes 50] [--seeds 1]

On the control families of the zoo, at held-out lambdas, under the reward of that lambda: returns
of surrogates that move the actions of the policy at the lowest anchor, step by step, beside those
of true policies. The gap is |mean return - that of the true policy| of another seed than the
policies that surrogates see; episodes start alike for all. Appends one record per policy and
lambda to --results as it comes: interrupt at will, and run again to go on. Needs the extra `rl`.
"""

import argparse
import json
import time
import warnings
from functools import cache, partial
from itertools import product
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from sklearn_hti.policies import TrajectoryPolicy

from .methods import DEFAULT, METHODS, make_method
from .records import read
from .simplices import Coupled
from .zoo import CARDS, load, load_policy, make_env

FAMILIES = [name for name, card in CARDS.items() if "control" in card.traits]
SURROGATES = (DEFAULT, "displacement interpolation", "direct, MLP")
FIRST_EPISODE = 50_000  # seeds of episodes; training and the stored states used others
KEY = ("family", "anchors", "seed", "lam", "policy")


class Weighted:
    """Acts by the weighted mean of what networks answer; draws of one input are coupled.

    Networks are functions from observations (n, C) to outputs (n, D), `choose` one from outputs
    to actions.
    """

    def __init__(self, networks, weights, choose=np.asarray):
        self.networks = networks
        self.weights = np.asarray(weights)
        self.choose = choose

    def predict(self, observation, deterministic=True):
        """Return the actions, and no state."""
        used = np.flatnonzero(self.weights)
        outputs = np.stack([np.asarray(self.networks[i](observation)) for i in used])
        weights = self.weights[used]
        return self.choose(Coupled(observation, outputs).mean(weights, weights.argmax())), None


def mean_action(policy):
    """Return the function from observations to the actions of a policy without noise."""
    return lambda observation: policy.predict(observation, deterministic=True)[0]


def policies_at(family, n_anchors, seed, lam):
    """Return what needs no fit: true policies, the truth first, and what one could do instead."""
    anchors = np.array(family.anchors(n_anchors))
    true = partial(load_policy, family.name)
    k = np.searchsorted(anchors, lam)
    below, above = anchors[k - 1], anchors[k]
    share = (lam - below) / (above - below)
    both = [mean_action(true(end, seed)) for end in (below, above)]
    return {
        "true policy": true(lam, (seed + 1) % family.n_seeds),
        "true policy, its seed": true(lam, seed),
        "lowest anchor": true(anchors[0], seed),
        "nearest anchor": true(anchors[np.abs(anchors - lam).argmin()], seed),
        "interpolated actions": Weighted(both, (1 - share, share)),
    }


@cache
def fit(method, name, n_anchors, seed):
    """Return a fitted surrogate and the CPU seconds that it took."""
    family = load(name)
    model = make_method(method, seed, y_bounds=family.y_bounds)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        cpu = time.process_time()
        model.fit(*family.training_set(n_anchors, seed=seed))
        return model, time.process_time() - cpu


def moved(model, base, lam_from, lam):
    """Return the policy whose actions are those of a base, moved."""
    return TrajectoryPolicy(
        model, lam, base=base, lam_from=lam_from, action_space=(base.low, base.high)
    )


def act(policy, envs):
    """Return the return of one episode in each environment; all are stepped together."""
    observed = np.stack([env.reset(seed=FIRST_EPISODE + i)[0] for i, env in enumerate(envs)])
    returns, running = np.zeros(len(envs)), np.arange(len(envs))
    while len(running):
        actions, _ = policy.predict(observed[running], deterministic=True)
        ended = np.zeros(len(running), dtype=bool)
        for k, (i, action) in enumerate(zip(running, actions, strict=True)):
            observed[i], reward, terminated, truncated, _ = envs[i].step(action)
            returns[i] += reward
            ended[k] = terminated or truncated
        running = running[~ended]
    return returns


def evaluate(name, n_anchors, seed, methods, n_episodes, done):
    """Yield the records of one family and seed that are not done."""
    family = load(name)
    for lam in family.held_out:
        policies = policies_at(family, n_anchors, seed, lam)
        todo = [p for p in (*policies, *methods) if (name, n_anchors, seed, lam, p) not in done]
        envs = [make_env(name, lam) for _ in range(n_episodes if todo else 0)]
        true = act(policies["true policy"], envs) if todo else None
        for which in todo:
            policy, cpu = policies.get(which), 0.0
            if policy is None:
                model, cpu = fit(which, name, n_anchors, seed)
                policy = moved(model, policies["lowest anchor"], family.lams[0], lam)
            acting = time.process_time()
            returns = act(policy, envs)
            acting = time.process_time() - acting
            yield dict(zip(KEY, (name, n_anchors, seed, lam, which), strict=True)) | {
                "episodes": n_episodes,
                "return": returns.mean(),
                "gap": abs(np.mean(returns - true)),
                "error": np.std(returns - true) / np.sqrt(n_episodes),
                "cpu": cpu,
                "cpu_acting": acting,
            }
        for env in envs:
            env.close()


def print_tables(records):
    """Print one table per family and number of anchors, means over seeds."""
    for name, n_anchors in dict.fromkeys((r["family"], r["anchors"]) for r in records):
        mine = [r for r in records if (r["family"], r["anchors"]) == (name, n_anchors)]
        lams = sorted({r["lam"] for r in mine})
        head = [*(f"{lam:g}" for lam in lams), "mean gap", "CPU s, fit", "CPU s, acting"]
        print(f"\n{name}, {n_anchors} anchors: mean return (gap) at each lambda")
        print("| | " + " | ".join(head) + " |\n| --- |" + " --- |" * len(head))
        for which in dict.fromkeys(r["policy"] for r in mine):
            of = [r for r in mine if r["policy"] == which]
            print(f"| {which} | " + " | ".join(_cells(of, lams)) + " |")


def _cells(records, lams):
    """Return the cells of one policy."""

    def mean(name, lam=None):
        return np.mean([r[name] for r in records if lam in (None, r["lam"])])

    at = [f"{mean('return', lam):.2f} ({mean('gap', lam):.2f})" for lam in lams]
    return [*at, f"{mean('gap'):.2f}", f"{mean('cpu'):.1f}", f"{mean('cpu_acting'):.1f}"]


def main():
    """Run what is not in the result file yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=FAMILIES)
    parser.add_argument("--anchors", type=int, nargs="+", choices=(2, 3), default=[2, 3])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=SURROGATES)
    parser.add_argument("--seeds", type=int, choices=(1, 2), default=1)
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--results", type=Path, default=Path("control.jsonl"))
    args = parser.parse_args()
    kept = [r for r in read(args.results) if r["episodes"] == args.episodes]
    done = {tuple(r[k] for k in KEY) for r in kept}
    tasks = list(product(args.families, args.anchors, range(args.seeds)))
    with args.results.open("a") as out:
        for task in tqdm(tasks, unit="task"):
            for record in evaluate(*task, args.methods, args.episodes, done):
                out.write(json.dumps(record) + "\n")
                out.flush()
                kept.append(record)
    print_tables([r for r in kept if (r["family"], r["anchors"], r["seed"]) in tasks])


if __name__ == "__main__":
    main()
