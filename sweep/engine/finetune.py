"""A short training of a network that is trained already."""

from models import BlockNetwork
from sweep.engine.blocks import BlockSteps
from sweep.engine.images import TrialImages
from sweep.trial import Trial

RATE = 0.1
"""Of the learning rate of its training."""


def finetune(network: BlockNetwork, trial: Trial, images: TrialImages, epochs: int) -> None:
    """Train a network in place by its trial's recipe, plainly, at a tenth of its learning rate.

    Batches and augmentation go on where the trial's epochs ended. The network is in evaluation mode afterwards.
    """
    plain = trial.plain.but(learning_rate=RATE * trial.learning_rate, schedule="constant", epochs=epochs)
    device = str(images.train.images.device)
    steps = BlockSteps(network, plain, images, device)
    for epoch in range(1, epochs + 1):
        for _ in steps.epoch(trial.epochs + epoch):
            pass
