/**
 * What keeps Barnacle from starting, or ends it: one line, and one exit code.
 *
 * @module
 */

import { DataDirError } from "../../host/files/data_dir.ts";
import { FlockUnavailableError } from "../../host/locks/flock.ts";
import { HttpServerError } from "../../host/http_server.ts";
import { StoreError } from "../../store/database/store_error.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";
import { InstanceTakenError } from "./sole_instance.ts";

/** Something that keeps Barnacle from starting, and the code to end with. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly code: ExitCode;

  constructor(message: string, code: ExitCode, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** What is the world's fault has words of its own; anything else is a fault of ours. */
export function toStartError(
  error: unknown,
): { readonly message: string; readonly code: ExitCode } {
  if (error instanceof StartError) return error;
  if (error instanceof InstanceTakenError) return { message: error.message, code: EXIT.tryAgain };
  if (
    error instanceof DataDirError || error instanceof StoreError ||
    error instanceof FlockUnavailableError
  ) {
    return { message: error.message, code: EXIT.io };
  }
  if (error instanceof HttpServerError) {
    return {
      message: error.message,
      code: error.kind === "port_in_use" ? EXIT.tryAgain : EXIT.config,
    };
  }
  const stack = error instanceof Error ? error.stack ?? error.message : String(error);
  return { message: `a fault of Barnacle's own: ${stack}`, code: EXIT.failed };
}
