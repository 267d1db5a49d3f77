/**
 * Asks again without the part of a request that a server refuses, at once (L3).
 *
 * One refused request proves nothing lasting: later requests leave a part out only after the server
 * has answered one without it.
 */

import { type Model, ModelError, type ModelRequest, type RefusedPart } from "../../core/model.ts";
import { THINK_LEVELS } from "../../core/people/chosen.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Lesson } from "./lessons.ts";

/** Maximum number of smaller requests in place of one. Some servers name one tool after the other. */
const STEPS_MAX = 16;
/** Maximum number of times to ask again for a call that a server cannot read. */
const CALLS_MAX = 2;
/** Maximum number of probes for one request. The next one finds what is left. */
const PROBES_MAX = 12;
/** Milliseconds for which an ability counts as refused, and words without a name count. */
const UNSURE_MS = 600_000;
/** Maximum number of lessons: pictures may be many. */
const LESSONS_MAX = 200;

/** A model, and the parts of requests that it does not get. */
export interface FittedModel extends Model {
  /** The parts that concern the operator; empty if its server has refused none. */
  readonly refused: () => readonly RefusedPart[];
}

/**
 * Wraps a model.
 *
 * @param onRefused Gets each part that this request or later ones leave out.
 */
export function withSmallerRequests(
  model: Model,
  { now, onRefused }: Clock & {
    readonly onRefused?: (lesson: Lesson, reason: string) => void;
  },
): FittedModel {
  const all: { readonly lesson: Lesson; readonly reason: string; readonly at: number }[] = [];
  const current = () => all.filter(({ lesson, at }) => !lesson.isUnsure || now() - at < UNSURE_MS);
  const refuses = (ability: Lesson["ability"]) =>
    current().some(({ lesson }) => lesson.ability === ability);

  function learn(lesson: Lesson, reason: string): void {
    if (lesson.isForNow || all.some((one) => one.lesson === lesson)) return;
    // Two turns may learn the same, and a changed tool may be refused again.
    const same = all.findIndex(({ lesson: { part, fix, isCarried } }) =>
      part === lesson.part && (isCarried ?? fix !== undefined)
    );
    if (same >= 0) all.splice(same, 1);
    else if (all.length === LESSONS_MAX) all.shift();
    all.push({ lesson, reason, at: now() });
    onRefused?.(lesson, reason);
  }

  return {
    id: model.id,
    refused: () =>
      current().flatMap(({ lesson: { part, fix }, reason }) =>
        fix === undefined ? [] : [{ modelId: model.id, part, fix, reason }]
      ),
    get takesNoTools() {
      return refuses("tools") || (model.takesNoTools ?? false);
    },
    get refusedThinking() {
      return new Set(THINK_LEVELS.filter(refuses));
    },
    get takesImages() {
      return refuses("images") ? false : model.takesImages;
    },
    get window() {
      return model.window;
    },
    async *generate(asked, signal) {
      const base = current().reduce((fit, { lesson }) => lesson.without(fit), asked);
      let request = base;
      let first: ModelError | undefined;
      /** Lessons of this request; they count once the server has answered. */
      let steps: { readonly lesson: Lesson; readonly reason: string }[] = [];
      const left = { steps: STEPS_MAX, calls: CALLS_MAX };
      const probes = { left: PROBES_MAX };
      const tried = new Set<Lesson>();

      /** The next request; `undefined` if none may help. */
      async function requestAfter(refusal: ModelError): Promise<ModelRequest | undefined> {
        const { nextAfter } = await import("./refusals.ts"); // most servers refuse nothing
        const next = nextAfter(refusal, request);
        if (next === undefined) return undefined;
        if (left.steps-- <= 0 && left.steps < -1) return undefined;
        if (next === "again" && left.calls-- > 0) return request;
        const { abilityLesson } = await import("./lessons.ts");
        const lesson: Lesson = next === "again" || left.steps < 0
          ? { ...abilityLesson("tools"), isForNow: true }
          : typeof next !== "string"
          ? next
          : await (await import("./probe.ts")).probeRefusal(next, request, model, probes, signal);
        if (tried.has(lesson) && !lesson.isCarried) return undefined;
        tried.add(lesson);
        const { message: reason } = refusal;
        if (lesson.isForNow) onRefused?.(lesson, reason);
        // The probes of a single part have proven it.
        if (typeof next === "string" && !lesson.isUnsure) learn(lesson, reason);
        // Words that fit carried fields often mean another part.
        const isWrong = (one: Lesson) =>
          one === lesson.instead || one.isCarried && !lesson.isCarried;
        steps = [...steps.filter((step) => !isWrong(step.lesson)), { lesson, reason }];
        return steps.reduce((fit, step) => step.lesson.without(fit), base);
      }

      for (;;) {
        let hasBegun = false;
        let hasParts = false;
        try {
          for await (const part of model.generate(request, signal)) {
            hasParts = true;
            hasBegun ||= part.kind !== "thinking";
            if (hasBegun && steps.length > 0) {
              for (const { lesson, reason } of steps) learn(lesson, reason);
              steps = [];
            }
            yield part;
          }
          return;
        } catch (thrown) {
          if (hasBegun || signal.aborted || !(thrown instanceof ModelError)) throw thrown;
          const next = await requestAfter(thrown);
          // The first refusal names the cause, if no smaller request is taken.
          const isFinal = thrown.kind === "rejected" || thrown.kind === "not_found";
          if (!next) throw first && isFinal ? first : thrown;
          first ??= thrown;
          request = next;
          if (hasParts) yield { kind: "again" };
        }
      }
    },
  };
}
