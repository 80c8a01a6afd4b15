"""The same of generators, values and policies."""

import copy

import torch
from torch.nn.functional import avg_pool2d, one_hot

from ..zoo import decisions, diffusion, vae
from ..zoo.ensemble import batch, generator
from .trainings import Cancer, Diabetes, Digits, ElNino, Ridge, Sunspots, Training, Wine


class Diffusion(Training):
    """Denoisers under dropout; draws of a class."""

    n_steps, learning_rate = 3000, 5e-3
    sizes = (2 + 4 + diffusion.N_CLASSES, diffusion.WIDTH, diffusion.WIDTH, 2)

    def __init__(self, seed):
        super().__init__(seed)
        self.seed = seed
        self.points, self.classes = diffusion.shapes(self.source)
        self.pool = torch.arange(len(self.points))
        self.of_rows = torch.arange(diffusion.N_CLASSES).repeat_interleave(diffusion.N_DRAWS)

    def loss(self, nets, lam, pool, progress):
        rows = pool[batch(len(pool), 192, self.source)]
        time = torch.rand(len(rows), 1, generator=self.source)
        noise = torch.randn(len(rows), 2, generator=self.source)
        keep, spread = diffusion.schedule(time)
        rate = lam(len(rows))

        def drop(hidden):
            kept = torch.rand(hidden.shape[1:], generator=self.source) >= rate
            return hidden * kept / (1 - rate)

        seen = diffusion.features(
            keep * self.points[rows] + spread * noise, time, self.classes[rows]
        )
        velocity = keep * noise - spread * self.points[rows]
        return (nets[0](seen, rate, drop) - velocity).square().mean((1, 2))

    def answer(self, nets, lam, rows):
        lams = lam.flatten().tolist()
        return diffusion.draw(lambda x: nets[0](x, lam), self.of_rows[rows], lams, self.seed)


class DigitImages(Training):
    """Conditional beta-VAEs; decoded draws of a class, 4 x 4 pixels."""

    n_steps, learning_rate = 3000, 3e-3

    def __init__(self, seed):
        super().__init__(seed)
        self.seed = seed
        self.images, self.hot = vae.digits()
        self.pool = torch.arange(len(self.images))

    def build(self, net):
        encoder = net((64 + vae.N_CLASSES, 96, 2 * vae.N_LATENT))
        return torch.nn.ModuleList([encoder, net((vae.N_LATENT + vae.N_CLASSES, 96, 64))])

    def loss(self, nets, lam, pool, progress):
        encoder, decoder = nets
        rows = pool[batch(len(pool), 128, self.source)]
        beta = lam(len(rows))
        seen = torch.cat([self.images[rows], self.hot[rows]], 1)
        mean, log_std = encoder(seen, beta).chunk(2, -1)
        code = mean + log_std.exp() * torch.randn(mean.shape[1:], generator=self.source)
        drawn = vae._decode(lambda z: decoder(z, beta), code, self.hot[rows])
        miss = (drawn - self.images[rows]).square().sum(-1) / (2 * vae.NOISE**2)
        divergence = (mean**2 + (2 * log_std).exp() - 1).sum(-1) / 2 - log_std.sum(-1)
        return (miss + beta[..., 0] * divergence).mean(1)

    def answer(self, nets, lam, rows):
        classes = torch.as_tensor(rows) // vae.N_DRAWS
        shape = len(rows), vae.N_LATENT
        lams = lam.flatten().tolist()
        code = [torch.randn(shape, generator=generator(self.seed, one, 1)) for one in lams]
        hot = one_hot(classes, vae.N_CLASSES).float()
        drawn = vae._decode(lambda z: nets[1](z, lam), torch.stack(code), hot)
        return avg_pool2d(drawn.unflatten(-1, (8, 8)), 2).flatten(2)


class MountainCar(Training):
    """Values of actions at a discount factor, by fitted Q iteration."""

    n_steps, learning_rate, sizes = 3000, 3e-3, (2, 48, 48, 3)

    def __init__(self, seed):
        super().__init__(seed)
        self.states, self.after, self.arrived = decisions.mountain_car()
        self.inputs = decisions.scaled(self.states)
        self.pool = torch.arange(len(self.states))

    def build(self, net):
        nets = super().build(net)
        self.slow = [p.detach().clone() for p in nets.parameters()]
        self.behind = net(self.sizes).requires_grad_(False)
        self.behind.load_state_dict(copy.deepcopy(nets[0].state_dict()))
        return nets

    def loss(self, nets, lam, pool, progress):
        with torch.no_grad():
            for kept, now in zip(self.slow, nets.parameters(), strict=True):
                kept.lerp_(now, decisions.TARGET_RATE)
            for part, kept in zip(self.behind.parameters(), self.slow, strict=True):
                part.copy_(kept)
            rows = pool[batch(len(pool), 128, self.source)]
            gamma = lam(len(rows))
            next_states = decisions.scaled(self.after[:, rows])
            ahead = torch.stack([self.behind(x, gamma).amax(-1) for x in next_states], 1)
            target = (gamma.transpose(1, 2) * ahead - 1) * ~self.arrived[:, rows]
        values = nets[0](self.inputs[rows], gamma).transpose(1, 2)
        return (values - target).square().mean((1, 2))


class EntropyPolicy(Training):
    """Mixture policies of a reward plus entropy; draws are actions."""

    n_steps, learning_rate, sizes = decisions.N_STEPS, 5e-3, (4, 48, 48, 5 * decisions.N_PARTS)

    def __init__(self, seed):
        super().__init__(seed)
        self.seed, self.pool = seed, torch.arange(1)  # the reward is known everywhere
        X = torch.from_numpy(decisions.entropy_inputs())
        self.goal, self.turn = X[:, 0].long(), X[:, 1]

    def loss(self, nets, lam, pool, progress):
        goal = torch.randint(2, (64,), generator=self.source)
        turn = 2 * torch.rand(64, generator=self.source) - 1
        weight = lam(64)
        share, mean, std = self.mixture(nets, weight, goal, turn)
        action = mean + std * torch.randn(mean.shape[1:], generator=self.source)
        heat = weight[..., 0] + 10 ** (-3 * progress)
        price = heat[..., None] * decisions.log_density(action, share, mean, std)
        gain = decisions.reward(goal, turn, action) - price
        return -(share.exp() * gain).sum(-1).mean(-1)

    def mixture(self, nets, lam, goal, turn):
        """Return log shares, means and standard deviations of the policies."""
        return decisions.mixture(lambda seen: nets[0](seen, lam), goal, turn)

    def answer(self, nets, lam, rows):
        parts = self.mixture(nets, lam, self.goal[rows], self.turn[rows])
        return torch.stack(
            [
                decisions.draw(*part, generator(self.seed, float(one), 1))
                for one, *part in zip(lam.flatten(), *parts, strict=True)
            ]
        )

    def measure(self, y, lam, rows):
        action = torch.as_tensor(y, dtype=torch.float32)[:, None]
        return -float(decisions.reward(self.goal[rows], self.turn[rows], action).mean())


TRAININGS = {
    "quantile_diabetes": Diabetes,
    "quantile_sunspots": Sunspots,
    "expectile_elnino": ElNino,
    "ridge_co2": Ridge,
    "label_smoothing_digits": Digits,
    "adversarial_wine": Wine,
    "weight_decay_cancer": Cancer,
    "dropout_diffusion": Diffusion,
    "beta_vae_digits": DigitImages,
    "discount_mountain_car": MountainCar,
    "entropy_policy": EntropyPolicy,
}
