/** Creates the clients of the models that answer. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Env } from "../../lib/env.ts";
import type { AnsweringModels, ModelChoices } from "../../bot.ts";
import { agentOf, type Config } from "../../config/config.ts";
import { choiceOf, namedModels } from "../../config/models.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { Finding } from "../../core/finding.ts";
import type { Model } from "../../core/model.ts";
import { collectGarbage } from "../../host/process/release_pages.ts";
import { createLoader } from "../../lib/cache.ts";
import type { Log } from "../../lib/log.ts";
import { createPlaces } from "../../lib/places.ts";
import {
  createBreakers,
  type ModelCandidate,
  withFallbacks,
  withRetry,
} from "../../providers/choice/fallbacks.ts";
import { createReadSpeed } from "../../providers/about/read_speed.ts";
import { createKnownAbilities, createModel, withAbilities } from "../../providers/models.ts";
import { isPaid, modelIdOf, type ModelSettings, withPrice } from "../../providers/settings.ts";
import { type FittedModel, withPlainerRequests } from "../../providers/refused/plainer_requests.ts";
import { createModelCheck, findModel, modelSettingsOf } from "./model_settings.ts";

/**
 * Chooses the models of all agents. Without one in the config it asks local servers, and no others
 * (L2). Agents that name the same model share it, with its window and its known failures.
 */
export async function chooseModels(config: Config, env: Env, log: Log): Promise<
  | { readonly kind: "models"; readonly models: AnsweringModels }
  | { readonly kind: "problem"; readonly problem: Problem }
> {
  const made = new Map<string, FittedCandidate>();
  const breakers = createBreakers({ now: Date.now });
  function candidateFor(settings: ModelSettings): FittedCandidate {
    const id = modelIdOf(settings);
    const known = made.get(id) ?? candidateOf(settings, log);
    made.set(id, known);
    return known;
  }
  const firsts = new Map<string, () => Promise<Finding>>();
  const byNames = new Map<string, Model>();
  const byAgent = new Map<string, Model>();
  for (const agent of config.agentList) {
    const names = JSON.stringify(agent.models.names);
    const known = byNames.get(names);
    if (known) {
      byAgent.set(agent.id, known);
      continue;
    }
    const found = await findModel(config, agent, env);
    if (found.kind === "problem") return found;
    const { settings, isDiscovered } = found;
    if (isDiscovered) {
      log.info("No model is configured; using the first model of a local server", {
        model: modelIdOf(settings),
      });
    }
    const first = candidateFor(settings);
    const others = found.fallbacks.map(candidateFor);
    const model = others.length === 0 ? first.model : withFallbacks(
      [first, ...others],
      breakers,
      ({ kind, message }, next) =>
        log.warn("A model failed; asking the next one", { kind, reason: message, next }),
    );
    if (!firsts.has(model.id)) firsts.set(model.id, createModelCheck(settings));
    byNames.set(names, model);
    byAgent.set(agent.id, model);
  }
  return {
    kind: "models",
    models: {
      ids: [...firsts.keys()],
      of(agentId) {
        const model = byAgent.get(agentOf(config, agentId).id);
        if (!model) throw new TypeError("Each agent has a model");
        return model;
      },
      refused: () => [...made.values()].flatMap(({ refused }) => refused()),
      check: () => Promise.all(Array.from(firsts.values(), (check) => check())),
    },
  };
}

/**
 * The models of the config that answer, for conversations that choose one; each is made once. Models
 * for audio and images may have prices in the config, too.
 */
export function createModelChoices(
  { agentList, models, audio, tools }: Config,
  env: Env,
  log: Log,
): ModelChoices {
  const made = new Map<string, FittedCandidate>();
  const others = [audio.transcribe, audio.speak, tools.draw];
  const ids = namedModels(agentList, models).filter((id) => !others.includes(id));
  function make(id: string): Model | undefined {
    const known = made.get(id);
    if (known) return known.model;
    const choice = choiceOf(id, { ...models, namesPath: "agents.defaults.model" }, env);
    if ("kind" in choice) return undefined;
    const candidate = candidateOf(modelSettingsOf(choice, models.currency), log);
    made.set(id, candidate);
    return candidate.model;
  }
  return {
    ids,
    of: (id) => ids.includes(id) ? make(id) : undefined,
    refused: () => [...made.values()].flatMap(({ refused }) => refused()),
  };
}

/** Maximum silence of a server that is asked about a model, in milliseconds. */
const ABILITIES_MS = 10_000;

/** A model with its abilities, prices and retries, and the parts of requests that it does not get. */
interface FittedCandidate extends ModelCandidate, Pick<FittedModel, "refused"> {}

/** A hosted model reads fast. It may think before its first byte, and a request may wait. */
const HOSTED = { least: Infinity, most: Infinity };

/** Bytes of images in all requests that run; each needs its images four times (SEC-R25). */
const room = createPlaces(8_000_000, collectGarbage);

/** Each answer is checked, and to import a module takes 30 µs each time. */
const writtenCalls = createLoader(() => import("../../render/safety/written_call.ts"));

function candidateOf(settings: ModelSettings, log: Log): FittedCandidate {
  const { provider: { id: providerId }, abilities: written } = settings;
  const speed = isPaid(settings) ? undefined : createReadSpeed({ now: Date.now });
  const known = createKnownAbilities({
    written,
    readPerSec: speed ? speed.perSec : () => HOSTED,
    async ask() {
      const { askAbilities } = await import("../../providers/about/abilities.ts");
      return await askAbilities(settings, ABILITIES_MS).catch(() => undefined);
    },
    now: Date.now,
  });
  const priced = withPrice(createModel(settings, room), settings);
  const able = withAbilities(priced, known);
  const fitted = withPlainerRequests(speed ? speed.measured(able) : able, {
    now: Date.now,
    onRefused: ({ part, fix: hint }, reason) =>
      log.warn(`The model server refuses ${part}; requests go on without`, {
        model: modelIdOf(settings),
        reason,
        hint,
      }),
  });
  const model = withRetry(fitted, {
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    random: Math.random,
    hasCall: async (text, tools) => (await writtenCalls.get()).isWrittenCall(text, tools),
    onRetry: ({ kind, message }, waitMs) =>
      log.warn("A model did not answer; asking again", { kind, reason: message, waitMs }),
    onTooLong(error, request) {
      known.refused(error, request);
      const { contextWindow } = known.window();
      log.info("A model refused a request because of its length; its window counts as smaller", {
        model: modelIdOf(settings),
        contextWindow,
      });
    },
  });
  return { model, providerId, refused: fitted.refused };
}
