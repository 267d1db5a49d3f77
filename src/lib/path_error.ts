/**
 * An error about a file or a directory. Its kind says what to do next.
 *
 * @module
 */

/** The parts of an error about a path, besides its message. */
export interface PathErrorDetails<Kind extends string> {
  /** The next step that the failure asks for. */
  readonly kind: Kind;
  /** The file or directory. */
  readonly path: string;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** An error about a file or a directory; each user of it is a class of its own, with a name. */
export abstract class PathError<Kind extends string> extends Error {
  /** Name of the class, as logs show it. */
  abstract override readonly name: string;
  /** The next step that the failure asks for. */
  readonly kind: Kind;
  /** The file or directory. */
  readonly path: string;

  /**
   * Creates the error.
   *
   * @param message Says which path failed and how, and how the operator can fix it.
   */
  constructor(message: string, { kind, path, cause }: PathErrorDetails<Kind>) {
    super(message, { cause });
    this.kind = kind;
    this.path = path;
  }
}
