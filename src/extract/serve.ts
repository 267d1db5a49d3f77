/**
 * Reads one file in a thread of its own, so that no file can block or exhaust the main thread (H8).
 */

import { UnreadableError } from "./extractor.ts";
import type { VoiceFacts } from "../core/outbound/outbound.ts";
import type { AudioFacts, DocumentText, ExtractJob, FromThread } from "./extractor.ts";

/** Tells that the thread has loaded, and does its jobs. The time of a job begins with `begun`. */
export function serveExtraction(port: {
  postMessage(message: FromThread): void;
  on(event: "message", listener: (job: ExtractJob) => void): unknown;
}): void {
  port.on("message", (job) => {
    runExtractJob(job, () => port.postMessage({ kind: "begun" })).then(
      (result) => port.postMessage({ kind: "done", result }),
      (error: unknown) => port.postMessage({ kind: "failed", why: reasonOf(error) }),
    );
  });
  port.postMessage({ kind: "ready" });
}

/**
 * Does one job. Each format's code is loaded only when it is needed.
 *
 * @param onBegin Called when the code has loaded, which may take long on a busy machine.
 */
export async function runExtractJob(
  job: ExtractJob,
  onBegin: () => void = () => {},
): Promise<DocumentText | AudioFacts | VoiceFacts> {
  switch (job.kind) {
    case "pdf": {
      const { loadPdfReader, readPdf } = await import("./pdf.ts");
      await loadPdfReader();
      onBegin();
      return await readPdf(job.bytes);
    }
    case "office": {
      const { readOffice } = await import("./office.ts");
      onBegin();
      return readOffice(job.bytes);
    }
    case "audio": {
      const { measureAudio } = await import("./voice.ts");
      onBegin();
      return await measureAudio(job.bytes, job.mediaType);
    }
    case "voice": {
      const { measureVoice } = await import("./voice.ts");
      onBegin();
      return await measureVoice(job.bytes);
    }
  }
}

/** An unknown error may contain words of the file. */
function reasonOf(error: unknown): string {
  return error instanceof UnreadableError ? error.message : "the file is damaged";
}
