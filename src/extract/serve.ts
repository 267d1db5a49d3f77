/**
 * Reads one file in a thread of its own, so that no file can block or exhaust the main thread (H8).
 */

import { UnreadableError } from "./limits.ts";
import type { VoiceFacts } from "../core/outbound/outbound.ts";
import type { AudioFacts, DocumentText, ExtractJob } from "../core/turn/extract.ts";
import type { FromThread } from "./extractor.ts";

/** The part of a `MessagePort` of `node:worker_threads` that the thread needs. */
export interface ExtractPort {
  /** Sends a result to the main thread. */
  postMessage(message: FromThread): void;
  /** Listens for jobs. */
  on(event: "message", listener: (job: ExtractJob) => void): unknown;
}

/** Tells that the thread has loaded, and does its jobs. */
export function serveExtraction(port: ExtractPort): void {
  port.on("message", (job) => {
    runExtractJob(job).then(
      (result) => port.postMessage({ kind: "done", result }),
      (error: unknown) => port.postMessage({ kind: "failed", why: reasonOf(error) }),
    );
  });
  port.postMessage({ kind: "ready" });
}

/** Does one job. Each format's code is loaded only when it is needed. */
export async function runExtractJob(
  job: ExtractJob,
): Promise<DocumentText | AudioFacts | VoiceFacts> {
  switch (job.kind) {
    case "pdf":
      return await (await import("./pdf.ts")).readPdf(job.bytes);
    case "office":
      return (await import("./office.ts")).readOffice(job.bytes);
    case "audio":
      return await (await import("./voice.ts")).measureAudio(job.bytes, job.mediaType);
    case "voice":
      return await (await import("./voice.ts")).measureVoice(job.bytes);
  }
}

/** An unknown error may contain words of the file. */
function reasonOf(error: unknown): string {
  return error instanceof UnreadableError ? error.message : "the file is damaged";
}
