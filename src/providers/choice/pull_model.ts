/**
 * Has an Ollama server download a model.
 *
 * @see {@link https://docs.ollama.com/api/pull}
 */

import { z } from "zod";
import { parseForeignJson, printable } from "../../lib/text/quoted.ts";
import { cancelReader } from "../../lib/network/fetch_plain.ts";

export interface PullProgress {
  /** Ollama's word: `"pulling manifest"`. */
  readonly status: string;
  /** Bytes of the current part; absent while there is none. */
  readonly totalBytes?: number;
  /** Bytes of it that have come. */
  readonly doneBytes?: number;
}

const lineSchema = z.looseObject({
  status: z.string().optional(),
  error: z.string().optional(),
  total: z.number().optional(),
  completed: z.number().optional(),
});

/** Longest line of the progress, in UTF-16 units; a longer one is no line of Ollama. */
const LINE_MAX = 64 * 1_024;

/** Milliseconds without a byte; a slow disk checks a large model for minutes. */
const SILENCE_MS = 10 * 60_000;

const ERROR_MAX = 200;

/**
 * Downloads a model. A second call goes on with the first one's parts.
 *
 * @param origin Address of the server: `"http://127.0.0.1:11434"`.
 * @returns Why there is no model; `undefined` if there is.
 * @throws The signal's reason once it is aborted.
 */
export async function pullModel(
  origin: string,
  model: string,
  { signal, onProgress, silenceMs = SILENCE_MS }: {
    readonly signal: AbortSignal;
    readonly onProgress: (progress: PullProgress) => void;
    /** Milliseconds after which a silent server counts as gone. */
    readonly silenceMs?: number;
  },
): Promise<string | undefined> {
  const silent = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const allow = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), silenceMs);
  };
  allow();
  const ended = AbortSignal.any([signal, silent.signal]);
  try {
    const response = await fetch(`${origin}/api/pull`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model, stream: true }),
      redirect: "error",
      signal: ended,
    });
    if (!response.body) return "Ollama sent an empty answer";
    let last = "";
    for await (const line of linesOf(response.body, ended, allow)) {
      const read = lineSchema.safeParse(parseForeignJson(line), { jitless: true });
      if (!read.success) return "the answer is not Ollama's";
      const { status = "", error, total: totalBytes, completed: doneBytes } = read.data;
      if (error !== undefined) return printable(error.slice(0, ERROR_MAX));
      last = status;
      onProgress({ status: printable(status), totalBytes, doneBytes });
    }
    if (!response.ok) return `Ollama answers with status ${response.status}`;
    return last === "success" ? undefined : "the download broke off; the next one goes on with it";
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (silent.signal.aborted) return `Ollama sent nothing for ${silenceMs / 1_000} s`;
    const why = error instanceof Error ? error.message : String(error);
    return `Ollama cannot be reached: ${printable(why)}`;
  } finally {
    clearTimeout(timer);
    silent.abort(); // an answer that is not read to its end is ended, too
  }
}

async function* linesOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  ended: AbortSignal,
  onBytes: () => void,
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  ended.addEventListener("abort", () => void cancelReader(reader), { once: true });
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    ended.throwIfAborted();
    onBytes();
    if (value) rest += decoder.decode(value, { stream: true });
    if (rest.length > LINE_MAX) throw new RangeError("it sends a line without an end");
    const lines = rest.split("\n");
    rest = done ? "" : lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield line;
    if (done) return;
  }
}
