/** Asks again in a plainer form if a server refuses a request, at once (L3). */

import { THINK_LEVELS } from "../../core/config_file.ts";
import {
  type Model,
  ModelError,
  type ModelRequest,
  type RefusedPart,
  withoutImages,
} from "../../core/model.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Form, Walks } from "./walks.ts";

/** A model, and the parts of requests that it does not get. */
export interface FittedModel extends Model {
  /** The parts that concern the operator; empty if its server has refused none. */
  readonly refused: () => readonly RefusedPart[];
}

/** Milliseconds from the first request after which none in its place begins. */
const WALK_MS = 60_000;

/** Words of a 404 about the model or the address, so that its cause is certain. */
const NO_SUCH = /^\s*$|\bmodel\b(?!.*\bsupport)|\bpath\b|\broute\b|\burl\b|\bresource\b|\bpage\b/i;

/**
 * Whether a plainer form may help: the server does not say for certain what is wrong.
 *
 * @param fails How often the same request has failed, this time included.
 */
function mayHelp(
  { kind, words }: ModelError,
  { byResponses, tools }: ModelRequest,
  fails: number,
): boolean {
  if (kind === "rejected") return true;
  if (kind === "not_found") return byResponses === true || !NO_SUCH.test(words ?? "");
  // An internal error or no answer at all is often one of a template. First, the same request again.
  const isRefusal = words !== undefined && (kind === "server_error" || kind === "not_an_answer");
  return fails > 1 && (isRefusal || kind === "unread_call" && tools !== undefined);
}

/**
 * Wraps a model.
 *
 * @param onRefused Gets each part that this request or later ones leave out.
 */
export function withPlainerRequests(
  model: Model,
  { now, onRefused }: Clock & { readonly onRefused?: (form: Form, reason: string) => void },
): FittedModel {
  let walks: Walks | undefined; // most servers refuse nothing
  /** Begin of each request, and how often it has failed. */
  const tried = new WeakMap<ModelRequest, { readonly startedAt: number; fails: number }>();
  /** The newest answered request, without its pictures, until there are walks. */
  let taken: ModelRequest | undefined;
  const lacks = (ability: Form["ability"]) => walks?.lacks(ability) ?? false;

  async function load(): Promise<Walks> {
    const { createWalks } = await import("./walks.ts");
    walks ??= createWalks(model.id, now, (...refused) => onRefused?.(...refused), taken);
    taken = undefined;
    return walks;
  }

  return {
    id: model.id,
    refused: () => walks?.refused() ?? [],
    get takesNoTools() {
      return lacks("tools") || (model.takesNoTools ?? false);
    },
    get refusedThinking() {
      return new Set(THINK_LEVELS.filter(lacks));
    },
    get takesImages() {
      return lacks("images") ? false : model.takesImages;
    },
    get window() {
      return model.window;
    },
    async *generate(asked, signal) {
      const tries = tried.get(asked) ?? { startedAt: now(), fails: 0 };
      tried.set(asked, tries);
      let walk = walks?.of(asked);
      let first: ModelError | undefined;
      for (;;) {
        const request = walk?.request() ?? asked;
        let hasBegun = false;
        let hasParts = false;
        try {
          for await (const part of model.generate(request, signal)) {
            hasParts = true;
            if (!hasBegun && part.kind !== "thinking") {
              walk?.answered();
              if (!walks) taken = withoutImages(asked);
            }
            hasBegun ||= part.kind !== "thinking";
            yield part;
          }
          return;
        } catch (thrown) {
          if (hasBegun || signal.aborted || !(thrown instanceof ModelError)) throw thrown;
          const fails = ++tries.fails;
          const helps = mayHelp(thrown, request, fails);
          if ((walk || helps) && now() - tries.startedAt >= WALK_MS) {
            throw Object.assign(first ?? thrown, { isFinal: true });
          }
          if (!helps) {
            // The first refusal names the cause, if no plainer request is taken.
            throw first && thrown.kind === "not_found" ? first : thrown;
          }
          walk ??= (await load()).of(asked);
          first ??= thrown;
          if (!walk.next(thrown, fails)) throw first;
          if (hasParts) yield { kind: "again" };
        }
      }
    },
  };
}
