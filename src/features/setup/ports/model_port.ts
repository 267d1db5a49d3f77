/** Asks model servers what a setup needs to know. */

import { LOCAL_SERVERS, type ProviderKind, VENDORS } from "../../../config/models.ts";
import { completeAddress } from "../../../config/schema/parts/key.ts";
import { envText } from "../../../config/schema/parts/secrets.ts";
import { ModelError } from "../../../core/model.ts";
import type { Env } from "../../../lib/env.ts";
import { printable } from "../../../lib/text/quoted.ts";
import { type ListedModel, listModels } from "../../../providers/choice/list_models.ts";
import { pullModel, type PullProgress } from "../../../providers/choice/pull_model.ts";
import type { ModelSettings, ProviderSettings } from "../../../providers/settings.ts";
import { type Tested, testModel } from "../../model/test.ts";

export interface OfferedServer {
  /** The first part of `<provider>/<model>`. */
  readonly id: string;
  /** Name for people. */
  readonly title: string;
  readonly kind: ProviderKind;
  /** Absent if the user must type it. */
  readonly baseUrl?: string;
  /** Whether the config needs the address: Barnacle does not know it by the provider's name. */
  readonly writesUrl: boolean;
  /** Variable of the environment with the key. */
  readonly keyVariable?: string;
  readonly needsKey: boolean;
  /** The model that the environment names. */
  readonly model?: string;
  /** Models of a server that has answered already. */
  readonly models?: readonly ListedModel[];
}

/** Milliseconds for a server on this machine, and for any other. */
const LOCAL_MS = 1_500;
const LIST_MS = 10_000;

/** OpenAI-compatible services that many people have a key for, beside the vendors. */
const SERVICES = [
  {
    id: "openrouter",
    name: "OpenRouter",
    baseUrl: "https://openrouter.ai/api/v1",
    keyVariable: "OPENROUTER_API_KEY",
  },
  {
    id: "groq",
    name: "Groq",
    baseUrl: "https://api.groq.com/openai/v1",
    keyVariable: "GROQ_API_KEY",
  },
  {
    id: "mistral",
    name: "Mistral",
    baseUrl: "https://api.mistral.ai/v1",
    keyVariable: "MISTRAL_API_KEY",
  },
];

/** The services with a key, those first whose key is in the environment. */
export function paidServers(env: Env): readonly OfferedServer[] {
  const hasKey = ({ keyVariable }: OfferedServer): number =>
    keyVariable !== undefined && envText(env, keyVariable) ? 0 : 1;
  const vendors = VENDORS.map((vendor): OfferedServer => {
    const url = envText(env, vendor.urlVariable);
    const model = envText(env, vendor.modelVariable);
    return {
      id: vendor.id,
      title: vendor.name,
      kind: vendor.kind,
      baseUrl: completeAddress(url ?? vendor.baseUrl),
      writesUrl: url !== undefined,
      keyVariable: vendor.keyVariable,
      needsKey: true,
      model,
    };
  });
  const services = SERVICES.map(({ id, name, baseUrl, keyVariable }): OfferedServer => ({
    id,
    title: name,
    kind: "openai-compatible",
    baseUrl,
    writesUrl: true,
    keyVariable,
    needsKey: true,
  }));
  return [...vendors, ...services].sort((one, other) => hasKey(one) - hasKey(other));
}

/** A server whose address the user types. */
export const OTHER_SERVER: OfferedServer = {
  id: "custom",
  title: "Another OpenAI-compatible server",
  kind: "openai-compatible",
  writesUrl: true,
  needsKey: false,
};

export const REMOTE_OLLAMA: OfferedServer = {
  ...OTHER_SERVER,
  id: "ollama",
  title: "Ollama on another machine",
};

/** Names of local servers for people. */
const TITLES: Readonly<Record<string, string>> = {
  ollama: "Ollama",
  llamacpp: "llama.cpp",
  lmstudio: "LM Studio",
};

export function createModelPort(env: Env) {
  async function list(provider: ProviderSettings, timeoutMs = LIST_MS) {
    try {
      const models = await listModels(provider, timeoutMs);
      return models.map((model) => ({ ...model, name: printable(model.name) }));
    } catch (error) {
      if (error instanceof ModelError) return error;
      throw error;
    }
  }

  return {
    /** The servers of this machine; those that answer have their models. */
    async localServers(): Promise<readonly OfferedServer[]> {
      const servers = LOCAL_SERVERS.map((server) =>
        server.id === "ollama" ? { ...server, baseUrl: ollamaUrl(env) ?? server.baseUrl } : server
      );
      return await Promise.all(
        servers.map(async ({ id, kind, baseUrl }): Promise<OfferedServer> => {
          const answer = await list({ id, kind, baseUrl }, LOCAL_MS);
          const models = answer instanceof ModelError ? undefined : answer;
          const known = LOCAL_SERVERS.some((server) =>
            server.id === id && server.baseUrl === baseUrl
          );
          const title = TITLES[id] ?? id;
          return { id, title, kind, baseUrl, writesUrl: !known, needsKey: false, models };
        }),
      );
    },
    /** The models of a server, or why there is no list. */
    list: (provider: ProviderSettings): Promise<readonly ListedModel[] | ModelError> =>
      list(provider),
    /** Asks a model one question with a tool and an image. */
    test: (settings: ModelSettings): Promise<Tested> => testModel(settings),
    /** Has Ollama download a model. @returns The problem, or `undefined`. */
    pull: (
      origin: string,
      model: string,
      signal: AbortSignal,
      onProgress: (progress: PullProgress) => void,
    ): Promise<string | undefined> => pullModel(origin, model, { signal, onProgress }),
  };
}

/** Model servers, as a setup asks them. */
export type ModelPort = ReturnType<typeof createModelPort>;

const OLLAMA_PORT = "11434";

/** The address in `OLLAMA_HOST`, as Ollama's own programs read it; `undefined` without one. */
export function ollamaUrl(env: Env): string | undefined {
  const host = env["OLLAMA_HOST"]?.trim();
  if (!host) return undefined;
  const url = URL.parse(/^https?:\/\//.test(host) ? host : `http://${host}`);
  if (!url) return undefined;
  const isEverywhere = url.hostname === "0.0.0.0" || url.hostname === "[::]"; // where it listens
  const port = url.port || (/^https?:/.test(host) ? "" : OLLAMA_PORT);
  return `${url.protocol}//${isEverywhere ? "127.0.0.1" : url.hostname}${port && `:${port}`}/v1`;
}
