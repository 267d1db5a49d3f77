/**
 * Sends one GET request over plain HTTP, with bounds for the time and the size of the answer.
 *
 * `fetch` sends requests through a proxy of the environment, and the token with them. This module
 * always connects directly, and follows no redirect.
 */

import { Buffer } from "node:buffer";
import type { StartTimer } from "../lib/clock.ts";

interface GotResponse {
  /** HTTP status. */
  readonly status: number;
  readonly text: string;
}

/**
 * Why there is no response.
 *
 * - `late`: not within the time, to its last byte.
 * - `too_large`: more than the bound.
 * - `unreachable`: no connection, or it broke.
 */
type GetProblem = "late" | "too_large" | "unreachable";

/**
 * Sends the request.
 *
 * @param url Must start with `http:`.
 * @param headers Header fields by name.
 */
export async function boundedGet(
  url: string,
  headers: Readonly<Record<string, string>>,
  { timeoutMs, maxBytes, schedule }: {
    /** Milliseconds until the response's last byte. */
    readonly timeoutMs: number;
    /** Largest body in bytes. */
    readonly maxBytes: number;
    readonly schedule: StartTimer;
  },
): Promise<GotResponse | GetProblem> {
  // Not at the top: the bundler puts this module into a chunk that a bot loads, too, and Bun takes
  // 5 ms to load its HTTP module.
  const { request } = await import("node:http");
  return await new Promise((resolve) => {
    const sent = request(url, { headers: { ...headers, connection: "close" }, agent: false });
    const finish = (result: GotResponse | GetProblem) => {
      cancel();
      resolve(result);
      sent.destroy();
    };
    const cancel = schedule(() => finish("late"), timeoutMs);
    sent.on("error", () => finish("unreachable"));
    sent.on("close", () => finish("unreachable"));
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes) finish("too_large");
        else chunks.push(chunk);
      });
      response.on("error", () => finish("unreachable"));
      response.on("end", () => {
        const status = response.statusCode ?? 0;
        finish({ status, text: Buffer.concat(chunks).toString("utf8") });
      });
    });
    sent.end();
  });
}
