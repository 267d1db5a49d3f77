/**
 * Reads errors of the system and of the network, and is the base of errors about a path.
 *
 * Message texts differ between systems and runtimes, and may contain a path or a URL. Codes do not.
 */

/**
 * Reads the `code` property of a thrown value.
 *
 * @returns `"ENOENT"`, for example; `undefined` if the value has no such string.
 */
export function codeOf(thrown: unknown): string | undefined {
  const hasCode = typeof thrown === "object" && thrown !== null && "code" in thrown;
  return hasCode && typeof thrown.code === "string" ? thrown.code : undefined;
}

const CODE_WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is no folder",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "its path is too long",
  EROFS: "its disk is read-only",
  ENOSPC: "its disk is full",
  EIO: "the disk reports a fault (EIO); `sudo dmesg` tells more",
};

/** Why the system refused a file or a folder, in words; `undefined` for any other error. */
export function wordsOfCode(thrown: unknown): string | undefined {
  return CODE_WORDS[codeOf(thrown) ?? ""];
}

const CODES =
  /^(?:ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|ECONNREFUSED|ECONNRESET|ECONNABORTED|ETIMEDOUT|EPIPE|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN)$/;

/** Deno gives no code, only the text of its HTTP client. */
const IN_DENO = "client error (Connect)";

/** Causes to look at; a loop of causes ends there. */
const MAX_CAUSES = 5;

/**
 * Whether the network is unreachable, by the error and its causes: look-up, connection or time limit.
 * Such errors are part of daily life, and their stack shows nothing that the message does not.
 */
export function isUnreachable(thrown: unknown): boolean {
  let error = thrown;
  for (let depth = 0; error instanceof Error && depth < MAX_CAUSES; depth++) {
    const isOne = CODES.test(codeOf(error) ?? "") || error.name === "TimeoutError" ||
      error.message.includes(IN_DENO);
    if (isOne) return true;
    error = error.cause;
  }
  return false;
}

/** An error about a file or a directory; each user of it is a class of its own, with a name. */
export abstract class PathError<Kind extends string> extends Error {
  /** Name of the class, as logs show it. */
  abstract override readonly name: string;
  /** The next step that the failure asks for. */
  readonly kind: Kind;
  readonly path: string;

  /**
   * Creates the error.
   *
   * @param message Says which path failed and how, and how the operator can fix it.
   */
  constructor(message: string, { kind, path, cause }: {
    /** The next step that the failure asks for. */
    readonly kind: Kind;
    readonly path: string;
    /** The error that led to this one. */
    readonly cause?: unknown;
  }) {
    super(message, { cause });
    this.kind = kind;
    this.path = path;
  }
}
