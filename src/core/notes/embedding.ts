/**
 * Declares the model that turns texts into vectors (T14).
 *
 * @module
 */

import type { ModelErrorKind, ModelUsage } from "../model.ts";

/** What the texts are. Some models need to know it. */
export type EmbeddedAs = "note" | "query";

/** Vectors of some texts. */
export interface Embedded {
  /** One for each text, in their order, all of the same number of dimensions. */
  readonly vectors: readonly Int8Array<ArrayBuffer>[];
  /** Tokens, and money if it is known. */
  readonly usage: ModelUsage;
}

/** An embedding model. */
export interface Embedding {
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /**
   * Makes vectors, with one request.
   *
   * @throws {TextRefused} If the server refuses these texts.
   * @throws {EmbeddingFailed} If it gives no vectors. Or the signal's reason.
   */
  readonly embed: (
    texts: readonly string[],
    as: EmbeddedAs,
    signal: AbortSignal,
  ) => Promise<Embedded>;
}

/** The model gives no vectors. The message has no secret. */
export class EmbeddingFailed extends Error {
  /** Name of the class, for logs. */
  override readonly name = "EmbeddingFailed";
  /** As of a model that answers. */
  readonly kind: ModelErrorKind;

  /** Creates the error. */
  constructor(kind: ModelErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** The server refuses the texts of a request, for example because one is too long for its model. */
export class TextRefused extends Error {
  /** Name of the class, for logs. */
  override readonly name = "TextRefused";
}

/** Maximum number of texts in one request. */
export const MAX_EMBEDDED_TEXTS = 32;

/** The state of the embedding model, without which notes are found by words alone (T14). */
export interface EmbeddingState {
  /** Its id. */
  readonly id: string;
  /** Absent unless its last request failed. */
  readonly failure?: {
    /** Unix time in milliseconds of the first failure since it last worked. */
    readonly since: number;
    /** The newest failure, in words. */
    readonly why: string;
  };
}
