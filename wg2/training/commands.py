"""What `python -m wg2.train` does, after its arguments are parsed."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys

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
    if args.resume and args.seed is not None:
        raise UserError("--resume goes on with the run's own seed: leave out --seed")
    # What can be wrong on this machine comes first: other workers take minutes.
    info = DatasetInfo.load(args.data)
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
        runs.check_new(args.run_dir)
        config, seed = _fitted_config(args, info), args.seed or 0
    info.check_config(config)
    info.shard_paths("train")
    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    strategy = make_strategy(args.strategy, args.tpu)
    multi_worker = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    try:
        status = _train_with(strategy, args, config, info, seed)
    except (NonFiniteLossError, ValueError, OSError, tf.errors.OpError) as error:
        message = _explain(error, multi_worker)
        if not message:
            raise
        if multi_worker:
            print(f"train: {message}", file=sys.stderr)
            _leave(2)
        raise UserError(message) from None
    if multi_worker:
        _leave(status)
    return status


def _leave(status: int) -> None:
    """Ends the process with all objects alive: to free them TensorFlow waits half a
    minute for workers that have gone."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _explain(error: Exception, multi_worker: bool) -> str:
    """One line for the user, or "" for an error that is nobody's but ours."""
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return f"out of memory, lower training.batch_size ({_reason(error)})"
    if not isinstance(error, tf.errors.OpError):
        return str(error)
    if not multi_worker:
        return ""
    return (
        "another worker failed or cannot be reached; restart all workers with "
        f"--resume ({_reason(error)})"
    )


def _reason(error: tf.errors.OpError) -> str:
    """The cause that TensorFlow names somewhere in its report."""
    found = re.search(r"aborted by: ([^\n]+)", error.message)
    line = found.group(1) if found else error.message.split("\n")[0]
    return f"{type(error).__name__}: {line[:160]}"


def _train_with(
    strategy: tf.distribute.Strategy,
    args: argparse.Namespace,
    config: Config,
    info: DatasetInfo,
    seed: int,
) -> int:
    chief = is_chief(strategy)
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
    elif args.init_from:
        run.save()  # a resume before the first checkpoint must begin with these too
    if run.train(args.steps) and chief:
        from wg2.voice import pack

        path = pack(args.run_dir, args.run_dir / "voice", name=args.name)
        logger.info("the voice is in %s", path)
    return 0
