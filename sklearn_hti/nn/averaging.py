"""The mean of the weights of late steps, which is judged on held-out rows and kept."""

import torch

_WEIGHTS = 0.3, 1 / 50  # of the newest: one over that fraction of all steps, and at least that


class WeightAverage:
    """A running mean of a module's parameters, which can change places with them.

    With the learning rate still high, a step is noise; means of late steps are like the end
    of a training that was planned to be as short.

    Parameters
    ----------
    module : nn.Module
        The module whose parameters are followed.
    """

    def __init__(self, module):
        self.module = module
        self.away = [p.detach().clone() for p in module.parameters()]
        self.n_steps = 0
        self.is_shown = False

    @torch.no_grad()
    def update(self):
        """Take the parameters of one more step into the mean."""
        self.n_steps += 1
        fraction, least = _WEIGHTS
        newest = max(1 / (1 + fraction * self.n_steps), least)
        torch._foreach_lerp_(self.away, [p.data for p in self.module.parameters()], newest)

    def show(self, shown):
        """Have the module hold the mean, or the parameters of the last step.

        Parameters
        ----------
        shown : bool
            Whether the mean.
        """
        if shown == self.is_shown:
            return
        for i, p in enumerate(self.module.parameters()):
            p.data, self.away[i] = self.away[i], p.data
        self.is_shown = shown

    def state_dict(self):
        """Return what is not in the module, for checkpoints: tensors and numbers."""
        return {"away": self.away, "n_steps": self.n_steps, "is_shown": self.is_shown}

    def load_state_dict(self, state):
        """Go on from a state; the module goes on from its own.

        Parameters
        ----------
        state : dict
            What `state_dict` has returned.
        """
        for mine, stored in zip(self.away, state["away"], strict=True):
            mine.copy_(stored)
        self.n_steps, self.is_shown = int(state["n_steps"]), bool(state["is_shown"])
