"""APR in a batch: the mixture of two pictures, who is whose donor, and that the draws repeat."""

import types

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader

from mmfan.datasets.augmentations import mix_amplitudes
from mmfan.errors import ConfigError
from mmfan.training import AmplitudeMixHook
from mmfan.training.hooks.amplitude_hook import mix_batch
from mmfan.training.teacher import Taught
from mmfan.training.view_batches import extend


class Run:
    def __init__(self, iteration=0):
        self.iter = iteration


def pictures(count=4, shape=(3, 20, 26)):
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8) for _ in range(count)]


def changed(iteration=0, given=None, **options):
    batch = {"inputs": given or pictures()}
    AmplitudeMixHook(**{"prob": 1.0, **options}).before_train_iter(Run(iteration), 0, batch)
    return batch["inputs"]


@pytest.mark.parametrize("shape", [(3, 20, 26), (3, 21, 27)])
def test_the_mixture_is_that_of_the_step(shape):
    own, donor = pictures(2, shape)
    expected = mix_amplitudes(*(one.permute(1, 2, 0).numpy() for one in (own, donor)))
    np.testing.assert_allclose(mix_batch(own, donor).permute(1, 2, 0), expected, atol=2e-3)
    torch.testing.assert_close(mix_batch(own, own), own.float(), atol=1e-3, rtol=0)


def test_everyone_has_another_one_as_donor():
    flat = [torch.full((3, 8, 8), value, dtype=torch.uint8) for value in (10, 20, 30, 40)]
    for iteration in range(30):
        for own, got in zip(flat, changed(iteration, list(flat)), strict=True):
            assert got.unique().tolist() in [[value] for value in (10, 20, 30, 40) if value != int(own[0, 0, 0])]


def test_draws_are_those_of_the_iteration():
    once, again, later = changed(3), changed(3), changed(4)
    assert all(torch.equal(one, other) for one, other in zip(once, again, strict=True))
    assert not all(torch.equal(one, other) for one, other in zip(once, later, strict=True))


def test_where_it_does_not_act():
    before = pictures()
    for options in ({"prob": 0.0}, {"begin": 1}):
        assert all(torch.equal(one, other) for one, other in zip(before, changed(**options), strict=True))
    assert torch.equal(changed(given=pictures(1))[0], before[0])


@pytest.mark.parametrize("more", [{"batch_size": 1}, {"batch_sampler": BatchSampler(range(4), 1, drop_last=False)}])
def test_batches_of_one_have_no_donors(more):
    run = types.SimpleNamespace(train_dataloader=DataLoader(range(4), **more))
    with pytest.raises(
        ConfigError, match=r"that is one picture: give train_dataloader\.batch_size=2, or take mmfan\.Ampl"
    ):
        AmplitudeMixHook().before_train(run)
    run.train_dataloader, run.model = DataLoader(range(4), batch_size=2), torch.nn.Identity()
    AmplitudeMixHook().before_train(run)


def test_of_pictures_with_copies_the_clean_one_is_changed():
    given = [torch.cat([one, one]) for one in pictures()]
    for before, after in zip([one.clone() for one in given], changed(given=given), strict=True):
        assert torch.equal(before[3:], after[3:])
        assert not torch.equal(before[:3], after[:3])


def test_beside_a_teacher_what_the_model_learns_from_is_changed():
    """The copy, or the picture that has none; the teacher tells what it sees in the picture as it is."""
    clean, copies = pictures(), [255 - one for one in pictures()]
    given = [*(torch.cat(pair) for pair in zip(clean[:3], copies, strict=False)), clean[3]]
    model = torch.nn.Identity()
    extend(model, Taught, "Taught")
    hook = AmplitudeMixHook(prob=1.0)
    hook.before_train(types.SimpleNamespace(train_dataloader=DataLoader(range(4), batch_size=4), model=model))
    batch = {"inputs": list(given)}
    hook.before_train_iter(Run(), 0, batch)
    for number in range(4):
        got, seen = batch["inputs"][number], given[number][-3:]
        assert torch.equal(got[:-3], given[number][:-3])
        expected = [mix_batch(seen, one).clamp(0, 255).round().to(torch.uint8) for one in clean]
        del expected[number]
        assert any(torch.equal(got[-3:], one) for one in expected)


def test_the_loader_s_own_pictures_are_not_written_to():
    given = pictures()
    kept = [one.clone() for one in given]
    changed(given=list(given))
    assert all(torch.equal(one, other) for one, other in zip(given, kept, strict=True))
