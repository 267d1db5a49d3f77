/** The simulator's model server, and a way to ask it as the bot does. */

import {
  type ModelServer,
  type ModelServerSettings,
  startModelServer,
} from "../../../simulator/model/server.ts";
import type { Model, ModelPart, ModelRequest } from "../../../src/core/model.ts";
import { createModel } from "../../../src/providers/models.ts";
import type { ModelSettings, ProviderSettings } from "../../../src/providers/settings.ts";

export const API_KEY = "sk-canary-0123456789abcdef";

export const QUESTION: ModelRequest = {
  system: "Be kind.",
  messages: [{ role: "user", text: "hello there" }],
};

/** Runs a test beside a server, and closes it after the test, even a failed one. */
export async function withModelServer(
  settings: ModelServerSettings,
  test: (server: ModelServer) => Promise<void>,
): Promise<void> {
  const server = await startModelServer(settings);
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

export function settingsFor(
  { baseUrl }: Pick<ModelServer, "baseUrl">,
  provider: Partial<ProviderSettings> = {},
): ModelSettings {
  return {
    provider: { id: "local", kind: "openai-compatible", baseUrl, apiKey: API_KEY, ...provider },
    name: "barnacle-script",
  };
}

/** A model at that server, with a time-out that a test reaches only on purpose. */
export function modelAt(
  server: Pick<ModelServer, "baseUrl">,
  provider: Partial<ProviderSettings> = {},
): Model {
  return createModel(settingsFor(server, { silenceSec: 10, ...provider }));
}

const { fetch: realFetch } = globalThis;

/** Answers all requests of a test; its file calls `restoreFetch` after each. */
export function fakeFetch(fetch: typeof globalThis.fetch): void {
  globalThis.fetch = fetch;
}

export function restoreFetch(): void {
  globalThis.fetch = realFetch;
}

export interface Heard {
  readonly text: string;
  readonly parts: readonly ModelPart[];
  readonly error?: unknown;
}

/** Reads the answer to its end, or its failure. */
export async function listen(
  model: Model,
  signal: AbortSignal = new AbortController().signal,
  request: ModelRequest = QUESTION,
): Promise<Heard> {
  const parts: ModelPart[] = [];
  const text = () =>
    parts.slice(parts.findLastIndex(({ kind }) => kind === "again") + 1)
      .map((part) => part.kind === "text" ? part.text : "").join("");
  try {
    for await (const part of model.generate(request, signal)) parts.push(part);
    return { text: text(), parts };
  } catch (error) {
    return { text: text(), parts, error };
  }
}
