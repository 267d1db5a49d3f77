/**
 * Asks over HTTP, and reads an answer while it arrives: the part that the wire formats of our own
 * share. A format writes the request, and makes text, thinking and calls of the answer's bytes.
 */

import type {
  FinishReason,
  ModelError,
  ModelRequest,
  ModelUsage,
  ToolCall,
} from "../core/model.ts";
import { createVisibleText, finishOf } from "./answer_parts.ts";
import { brokenAnswerOf } from "./failures.ts";
import { modelIdOf, type ModelSettings, secretsOf, silenceMsOf } from "./settings.ts";
import { type Ask, createWire } from "./wire.ts";

/** Milliseconds to wait for token counts and the end of a stream that has given its reason. */
const LAST_PIECE_MS = 1_000;

interface WrittenRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** An answer while a format reads it. */
export interface OpenAnswer {
  /** Text of the bytes that are read now. */
  text: string;
  thinking: string;
  /** Why the answer ended, as the server says. */
  reason: FinishReason | undefined;
  /** Tokens, as the server counted them. */
  usage: ModelUsage | undefined;
  /** Whether the answer needs no more bytes: its last event arrived, or it failed or ended. */
  isOver: boolean;
  /** Ends the answer with the server's error, or as a malformed one. */
  readonly breakOff: (error?: unknown) => void;
}

export function createAnswerReader(
  modelId: string,
  secrets: readonly string[],
  open: (answer: OpenAnswer) => {
    /** Reads the next bytes of the body into the answer; `undefined` at the body's end. */
    readonly take: (bytes: Uint8Array | undefined) => void;
    readonly calls: () => readonly ToolCall[];
    /** The fields that go back with the answer. */
    readonly carried: () => string | undefined;
  },
) {
  const visible = createVisibleText();
  let failure: ModelError | undefined;
  const answer: OpenAnswer = {
    text: "",
    thinking: "",
    reason: undefined,
    usage: undefined,
    isOver: false,
    breakOff(error) {
      failure = brokenAnswerOf(
        error,
        modelId,
        secrets,
        !visible.isEmpty() || answer.text.trim() !== "",
      );
      answer.isOver = true;
    },
  };
  const format = open(answer);
  return {
    /** Reads the next bytes. @returns The new text, in one piece; often empty. */
    read(bytes: Uint8Array | undefined): string {
      answer.text = answer.thinking = "";
      format.take(bytes);
      if (!bytes) answer.isOver = true;
      return visible.add(answer.text);
    },
    /** The thinking in the bytes that were read last; often empty. */
    thinking: () => answer.thinking,
    /** Whether the server has said why the answer ended; only token counts may follow. */
    hasEnded: () => answer.reason !== undefined,
    isOver: () => answer.isOver,
    /** The last part. @throws {ModelError} If the answer failed, or has neither text nor calls. */
    finish() {
      if (failure) throw failure;
      const { reason, usage } = answer;
      const carried = format.carried();
      return finishOf(reason, format.calls(), !visible.isEmpty(), { modelId, usage, carried });
    },
  };
}

export type AnswerReader = ReturnType<typeof createAnswerReader>;

export function createStreamedAsk(
  settings: ModelSettings,
  { write, createReader }: {
    /** Writes a request. Its body goes to `fetch` at once, because the next one may change its bytes. */
    readonly write: (request: ModelRequest) => WrittenRequest;
    readonly createReader: (modelId: string, secrets: readonly string[]) => AnswerReader;
  },
): Ask {
  const { provider } = settings;
  const modelId = modelIdOf(settings);
  const secrets = secretsOf(provider);
  const silenceMs = silenceMsOf(provider);
  // In place of the format's, because `fetch` joins two values into one header.
  const own = Object.fromEntries(
    Object.entries(provider.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );

  return async function* (request, signal) {
    signal.throwIfAborted();
    const wire = createWire({ modelId, secrets, silenceMs, onReading: request.onReading }, signal);
    try {
      const { url, headers, body } = write(request);
      await wire.send(url, { method: "POST", headers: { ...headers, ...own }, body });
      const answer = createReader(modelId, secrets);
      const { showsThinking } = request;
      while (!answer.isOver()) {
        const bytes = await wire.read().catch((error) => {
          if (signal.aborted || !answer.hasEnded()) throw error;
          return undefined; // only token counts are missing
        });
        const text = answer.read(bytes);
        const thinking = answer.thinking();
        if (showsThinking && thinking !== "") yield { kind: "thinking", text: thinking };
        if (text !== "") yield { kind: "text", text };
        signal.throwIfAborted();
        if (answer.hasEnded()) wire.shortenTimeout(LAST_PIECE_MS);
      }
      const finish = answer.finish();
      wire.release();
      yield finish;
    } finally {
      wire.close();
    }
  };
}
