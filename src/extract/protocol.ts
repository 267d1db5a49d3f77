/**
 * The messages of the thread that reads files. The main thread sends it one job.
 *
 * @module
 */

import type { VoiceFacts } from "../core/outbound/outbound.ts";
import type { AudioFacts, DocumentText } from "../core/turn/extract.ts";

/** The thread's messages. */
export type FromThread =
  /** The thread has loaded, and takes its one job. */
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly result: DocumentText | AudioFacts | VoiceFacts }
  /** `why` is for people, and contains no words of the file. */
  | { readonly kind: "failed"; readonly why: string };
