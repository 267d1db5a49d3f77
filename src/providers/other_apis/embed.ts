/**
 * Makes vectors of texts, by the API `/v1/embeddings` (T14).
 *
 * Google has the same API at an address of its own, so no package of a vendor is needed.
 */

import { z } from "zod";
import {
  type Embedded,
  type EmbeddedAs,
  type Embedding,
  EmbeddingFailed,
  packVector,
  TextRefused,
} from "../../core/notes/embedding.ts";
import type { ModelErrorKind } from "../../core/model.ts";
import { microsOf, tokensIn } from "../../core/spending/usage.ts";
import { FileError } from "../../core/turn/media.ts";
import { modelIdOf, type ModelSettings, type ProviderSettings } from "../settings.ts";
import { askSpeech, HttpStatus, type SpeechDeps } from "./request.ts";

/** Maximum bytes of an answer: 32 vectors of 4,096 numbers take some 3 MB. */
const MAX_BYTES = 20_000_000;
/** Maximum number of dimensions. The largest models have 4,096. */
const MAX_DIMENSIONS = 16_384;

const answerSchema = z.object({
  data: z.array(z.object({
    index: z.int().min(0).optional(),
    embedding: z.array(z.number()).min(1).max(MAX_DIMENSIONS),
  })),
  usage: z.object({
    prompt_tokens: z.number().min(0).optional(),
    total_tokens: z.number().min(0).optional(), // some servers report only this
  }).optional().catch(undefined),
});

/** Statuses by which servers refuse a text that is too long; 500 is llama.cpp's. */
const REFUSED: ReadonlySet<number> = new Set([400, 413, 422, 500]);

/** Failures by their statuses; others pass by themselves. */
const KINDS: Readonly<Record<number, ModelErrorKind>> = {
  401: "unauthorized",
  402: "quota",
  403: "unauthorized",
  404: "not_found",
  429: "rate_limited",
};

/** Models that were trained with a text before each note and each query. */
const PREFIXES: readonly {
  readonly name: RegExp;
  readonly before: Readonly<Record<EmbeddedAs, string>>;
}[] = [
  { name: /nomic-embed-text/i, before: { note: "search_document: ", query: "search_query: " } },
  { name: /(?:^|[/-])e5-(?!.*instruct)/i, before: { note: "passage: ", query: "query: " } },
  {
    name: /mxbai-embed/i,
    before: { note: "", query: "Represent this sentence for searching relevant passages: " },
  },
];
const NO_PREFIX: Readonly<Record<EmbeddedAs, string>> = { note: "", query: "" };

export function createEmbedding(settings: ModelSettings, deps: SpeechDeps): Embedding {
  const { name, provider, price } = settings;
  const before = PREFIXES.find((one) => one.name.test(name))?.before ?? NO_PREFIX;
  return {
    modelId: modelIdOf(settings),
    async embed(texts, as, signal) {
      const input = texts.map((text) => before[as] + text);
      const body = JSON.stringify({ model: name, input });
      const request = { path: pathOf(provider), body, maxBytes: MAX_BYTES, server: "embedding" };
      const { bytes } = await ask(request);
      const answer = parsed(bytes);
      const vectors = answer && vectorsOf(answer, texts.length);
      if (!vectors) {
        const kind = isPage(bytes) ? "web_page" : "not_an_answer";
        throw new EmbeddingFailed(kind, "the embedding server's answer has no vectors");
      }
      const chars = input.reduce((sum, { length }) => sum + length, 0);
      const { prompt_tokens: reported, total_tokens: total } = answer.usage ?? {};
      const inputTokens = reported ?? total ?? tokensIn(chars);
      const usage = { inputTokens, outputTokens: 0 };
      const micros = microsOf(usage, price);
      return { vectors, usage: { ...usage, micros } };

      async function ask(written: Parameters<typeof askSpeech>[1]) {
        try {
          return await askSpeech(provider, written, deps, signal);
        } catch (error) {
          throw error instanceof FileError ? failureOf(error) : error;
        }
      }
    },
  };
}

function pathOf({ kind }: ProviderSettings): string {
  return kind === "google" ? "/openai/embeddings" : "/embeddings";
}

function failureOf({ message, cause }: FileError): Error {
  const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
  const status = cause instanceof HttpStatus ? cause.status : undefined;
  if (status !== undefined && REFUSED.has(status)) return new TextRefused(reason);
  return new EmbeddingFailed(KINDS[status ?? 0] ?? "unavailable", reason);
}

/** Whether an answer is a web page, such as that of a login. */
function isPage(bytes: Uint8Array): boolean {
  return /^\s*<(?:!doctype|html)\b/i.test(new TextDecoder().decode(bytes.subarray(0, 200)));
}

type EmbeddingsAnswer = z.output<typeof answerSchema>;

/** @returns `undefined` for anything but vectors. */
function parsed(bytes: Uint8Array): EmbeddingsAnswer | undefined {
  try {
    return answerSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined; // HTML of a proxy, or another API
  }
}

/** @returns `undefined` unless each text has a vector, all of the same number of dimensions. */
function vectorsOf({ data }: EmbeddingsAnswer, count: number): Embedded["vectors"] | undefined {
  const byText = new Map(data.map(({ index, embedding }, at) => [index ?? at, embedding]));
  const vectors = Array.from({ length: count }, (_, at) => packVector(byText.get(at) ?? []))
    .filter((vector) => vector !== undefined);
  const [first] = vectors;
  const isWhole = data.length === count && vectors.length === count &&
    vectors.every(({ length }) => length === first?.length);
  return isWhole ? vectors : undefined;
}
