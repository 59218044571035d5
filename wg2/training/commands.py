"""What `python -m wg2.train` does, after its arguments are parsed."""

from __future__ import annotations

import argparse
import logging
import os

import tensorflow as tf

from wg2.config import Config
from wg2.data.dataset import DatasetInfo
from wg2.presets import load_config
from wg2.training import run as runs
from wg2.training.fine_tuning import initial_weights
from wg2.training.strategy import is_chief, make_strategy
from wg2.training.trainer import NonFiniteLossError, Trainer

logger = logging.getLogger(__name__)


class UserError(ValueError):
    """A wrong combination of arguments, or a training that cannot go on."""


def _fitted_config(args: argparse.Namespace, info: DatasetInfo) -> Config:
    """The config of a new run: the preset's, with the dataset's speakers, phonemes and
    level, unless they were set by hand."""
    config = load_config(args.config, tuple(args.overrides))
    by_hand = {assignment.partition("=")[0].strip() for assignment in args.overrides}
    values = config.to_dict()
    if "text.speakers" not in by_hand:
        values["text"]["speakers"] = info.speakers
    if "text.phonemes" not in by_hand:
        values["text"]["phonemes"] = info.phonemes
    if "decoder.data_rms" not in by_hand:
        values["decoder"]["data_rms"] = round(info.audio_rms, 4)
        logger.info("decoder.data_rms = %.4f, the corpus' own", info.audio_rms)
    return Config.from_dict(values)


def train(args: argparse.Namespace) -> int:
    """Runs a training command; the exit status.

    Raises:
        ValueError, FileNotFoundError, OSError: With one line for the user.
    """
    if args.steps < 1:
        raise UserError(f"--steps must be at least 1. Received: {args.steps}")
    if args.resume and (args.init_from or args.overrides or args.config):
        raise UserError(
            "--resume goes on with the run's own config and weights: leave out "
            "--config, --set and --init-from"
        )
    if not args.resume and not args.config:
        raise UserError("--config is needed for a new run (or --resume)")
    strategy = make_strategy(args.strategy, args.tpu)
    info = DatasetInfo.load(args.data)
    chief = is_chief(strategy)
    if args.resume:
        config, provenance = runs.read_run(args.run_dir)
        seed = provenance["seed"]
        if provenance["corpus_hash"] != info.corpus_hash:
            raise UserError(
                f"{args.run_dir} was trained on another corpus than {args.data} "
                f"(hash {provenance['corpus_hash'][:12]} against "
                f"{info.corpus_hash[:12]}). To train on from it use --init-from"
            )
    else:
        config, seed = _fitted_config(args, info), args.seed
    info.check_config(config)
    info.shard_paths("train")
    trainer = Trainer(config, info, strategy, seed)
    logger.info(
        "%s: %.2f M parameters, %s utterances (%.2f h), %d replica(s) (%s)",
        config.name,
        trainer.model.count_params() / 1e6,
        info.splits["train"].num_utterances,
        info.splits["train"].hours,
        strategy.num_replicas_in_sync,
        type(strategy).__name__,
    )
    if args.init_from:
        arrays, report = initial_weights(trainer.model, config, args.init_from)
        trainer.set_initial_weights(arrays, args.init_from)
        for line in report:
            logger.info("init-from: %s", line)
    if not args.resume and chief:
        runs.start_run(args.run_dir, config, info, seed)
    run = runs.TrainingRun(trainer, args.run_dir, not args.no_progress)
    if args.resume:
        run.resume()
    try:
        finished = run.train(args.steps)
    except NonFiniteLossError as error:
        raise UserError(str(error)) from None
    except tf.errors.OpError as error:
        if strategy.num_replicas_in_sync == 1:
            raise
        # A peer is gone. TensorFlow's threads may hang at exit: leave at once.
        reason = " ".join(error.message.split())[:200]
        print(
            "train: another worker failed or cannot be reached; restart all workers "
            f"with --resume ({type(error).__name__}: {reason})",
            flush=True,
        )
        os._exit(2)
    if finished and chief:
        from wg2.voice import pack

        path = pack(args.run_dir, args.run_dir / "voice", name=args.name)
        logger.info("the voice is in %s", path)
    return 0
