"""Command line: serves SavedModels like tensorflow_model_server, for machines without.

python -m export.serve --model-base-path models/NAME --port 8500 --rest-api-port 8501
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from export.standin.options import build_parser
from wg2 import terminal


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    logging.basicConfig(
        format="%(asctime)s serve: %(message)s",
        level=logging.INFO if args.verbose else logging.WARNING,
    )
    # TensorFlow and aiohttp log what is answered here in one line anyway.
    for name in ("tensorflow", "absl", "aiohttp", "asyncio"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        _check_paths(args)
    except (ValueError, FileNotFoundError) as error:
        print(f"serve: {error}", file=sys.stderr)
        return 2
    where = args.model_config_file or args.model_base_path
    print(
        f"serve: a stand-in for tensorflow_model_server; loading {where}",
        file=sys.stderr,
    )
    return _serve(args)


def _check_paths(args: argparse.Namespace) -> None:
    """What can be said before TensorFlow is loaded.

    Raises:
        ValueError, FileNotFoundError
    """
    if args.model_config_file is not None:
        if args.model_base_path is not None or args.model_name is not None:
            raise ValueError(
                "--model-config-file names models and paths: give either it, or "
                "--model-base-path"
            )
        if not args.model_config_file.is_file():
            raise FileNotFoundError(f"No model config file at {args.model_config_file}")
    elif args.model_base_path is None:
        raise ValueError("Give --model-base-path or --model-config-file")
    elif not args.model_base_path.is_dir():
        raise FileNotFoundError(
            f"No directory at {args.model_base_path}. Expected the folder that holds a "
            "folder per version: MODELS/NAME, with MODELS/NAME/1/saved_model.pb"
        )
    elif (args.model_base_path / "saved_model.pb").exists():
        raise ValueError(
            f"{args.model_base_path} is a SavedModel itself. Expected the folder above "
            "it, where its name is the version's number"
        )


def _serve(args: argparse.Namespace) -> int:
    from export.standin import runtime
    from export.standin.errors import ServingError
    from export.standin.manager import Manager
    from export.standin.models import Models
    from export.standin.server import Server

    models = Models()
    manager = Manager(
        models,
        poll_seconds=args.file_system_poll_wait_seconds,
        max_retries=args.max_num_load_retries,
        retry_seconds=args.load_retry_interval_micros / 1e6,
        tags=args.saved_model_tags.split(","),
    )
    any_version = args.allow_version_labels_for_unavailable_models
    try:
        runtime.set_threads(
            args.tensorflow_session_parallelism,
            args.tensorflow_intra_op_parallelism,
            args.tensorflow_inter_op_parallelism,
        )
        runtime.disable_xla()
        models.configure(_configs(args), any_version)
        if args.model_config_file is not None:
            manager.watch_config(
                args.model_config_file,
                args.model_config_file_poll_wait_seconds,
                any_version,
            )
        server = Server(models, manager, _server_options(args), _print_ready)
        done = asyncio.run(server.run())
    except (ServingError, ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        text = error.strerror if getattr(error, "errno", None) else error
        print(f"serve: {text}", file=sys.stderr)
        return 2
    if not done:
        # A thread is still inside TensorFlow, and Python would wait for it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    return 0


def _configs(args: argparse.Namespace) -> list:
    """The models to serve.

    Raises:
        ServingError, ValueError, FileNotFoundError
    """
    from export.standin import config

    if args.model_config_file is None:
        path = args.model_base_path.resolve()
        return [config.ModelConfig(args.model_name or path.name, path)]
    proto = config.read_config_file(args.model_config_file)
    models = config.from_proto(proto)
    if not models:
        raise ValueError(f"{args.model_config_file} names no models")
    return models


def _server_options(args: argparse.Namespace):
    from export.standin.json_parser import JsonLimits
    from export.standin.rest_service import RestLimits
    from export.standin.server import ServerOptions

    return ServerOptions(
        host=args.host,
        grpc_port=args.port,
        rest_port=args.rest_api_port,
        max_running=args.max_concurrent_requests,
        max_waiting=args.max_queued_requests,
        shutdown_seconds=args.shutdown_seconds,
        rest=RestLimits(
            timeout_seconds=args.rest_api_timeout_in_ms / 1000,
            max_body_bytes=args.max_request_bytes,
            max_unpacked_bytes=args.max_unpacked_bytes,
            json=JsonLimits(args.max_json_depth, args.max_json_values),
        ),
        max_input_bytes=args.max_tensor_bytes,
        cors=args.rest_api_enable_cors_support,
        any_label_version=args.allow_version_labels_for_unavailable_models,
    )


def _print_ready(host: str, grpc_port: int, rest_port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    print(
        f"Ready: gRPC {shown}:{grpc_port}, REST http://{shown}:{rest_port}", flush=True
    )


if __name__ == "__main__":
    sys.exit(terminal.run("serve", main))
