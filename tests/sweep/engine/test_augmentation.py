import numpy as np
import pytest
import torch

from sweep.engine.augmentation import crop_flip, epoch_draws, most_shift


def by_hand(image: torch.Tensor, row: int, column: int, flip: int) -> torch.Tensor:
    channels, side, _ = image.shape
    frame = most_shift(side)
    framed = torch.zeros(channels, side + 2 * frame, side + 2 * frame)
    framed[:, frame : frame + side, frame : frame + side] = image
    cut = framed[:, row : row + side, column : column + side]
    return cut.flip(2) if flip else cut


@pytest.mark.parametrize(("channels", "side"), [(3, 32), (1, 8), (1, 5)])
def test_every_image_is_cut_and_mirrored_as_drawn(channels: int, side: int) -> None:
    images = torch.randn(60, channels, side, side, generator=torch.Generator().manual_seed(0))
    draws = epoch_draws(60, side, seed=3, epoch=1)
    expected = [by_hand(image, *draw.tolist()) for image, draw in zip(images, draws, strict=True)]
    assert torch.equal(crop_flip(images, draws), torch.stack(expected))


@pytest.mark.parametrize(("side", "shift"), [(32, 4), (16, 2), (28, 3), (8, 1), (5, 1)])
def test_no_shift_and_no_mirror_is_the_image_itself(side: int, shift: int) -> None:
    images = torch.randn(4, 3, side, side)
    assert most_shift(side) == shift
    assert torch.equal(crop_flip(images, torch.tensor([[shift, shift, 0]]).expand(4, 3)), images)


def test_draws_are_uniform_and_depend_on_seed_and_epoch_alone() -> None:
    draws = epoch_draws(90_000, 32, seed=0, epoch=1).numpy()
    for column, choices in enumerate((9, 9, 2)):
        counts = np.bincount(draws[:, column], minlength=choices)
        assert len(counts) == choices
        assert abs(counts / (90_000 / choices) - 1).max() < 0.05
    assert abs(np.corrcoef(draws.T) - np.eye(3)).max() < 0.02
    assert torch.equal(epoch_draws(10, 32, 1, 2), epoch_draws(10, 32, 1, 2))
    assert not torch.equal(epoch_draws(10, 32, 1, 2), epoch_draws(10, 32, 1, 3))
    assert not torch.equal(epoch_draws(10, 32, 1, 2), epoch_draws(10, 32, 2, 2))
