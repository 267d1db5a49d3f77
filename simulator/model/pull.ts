/**
 * Answers `POST /api/pull` as Ollama does: lines of JSON about the progress of a download.
 *
 * @see {@link https://docs.ollama.com/api/pull}
 */

import type { ServerResponse } from "node:http";
import { z } from "zod";
import { send } from "./behaviour.ts";

const request = z.looseObject({ model: z.string().min(1), stream: z.boolean().default(true) });

/** Size of each model, in bytes. */
const TOTAL = 2_019_377_376;

/** Begins the name of a model that the library does not have. */
const UNKNOWN = "no-such";

/** Answers one request; `onDone` gets the name of the model that is there from then on. */
export async function answerPull(
  body: unknown,
  res: ServerResponse,
  onDone: (model: string) => void,
): Promise<void> {
  const asked = request.safeParse(body);
  if (!asked.success) return send(res, 400, JSON.stringify({ error: "model is required" }));
  const { model } = asked.data;
  res.writeHead(200, { "content-type": "application/x-ndjson" });
  const line = (content: object) => res.write(`${JSON.stringify(content)}\n`);
  line({ status: "pulling manifest" });
  if (model.startsWith(UNKNOWN)) {
    line({ error: "pull model manifest: file does not exist" });
    res.end();
    return;
  }
  const digest = "sha256:dde5aa3fc5ffc17176b5e8bdc82f587b24b2678c6c66101bf7da77af9f7ccdff";
  for (const part of [0.01, 0.5, 1]) {
    const completed = Math.round(TOTAL * part);
    line({ status: "pulling dde5aa3fc5ff", digest, total: TOTAL, completed });
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const status of ["verifying sha256 digest", "writing manifest"]) line({ status });
  onDone(model);
  line({ status: "success" });
  res.end();
}
