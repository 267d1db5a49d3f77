/**
 * Walks over plainer forms of a request that a server refuses, and remembers which one helped (L3).
 *
 * Each step adds a form to those before it. After an answer, only the last one counts as needed: the
 * others had not helped. A later request that needs two learns the other one by its own walk.
 */

import { createHash } from "node:crypto";
import { imagesOf, withoutImages } from "../../core/fit_request.ts";
import type { ModelError, ModelImage, ModelRequest, RefusedPart } from "../../core/model.ts";
import { firstStep } from "./first_step.ts";
import {
  abilityForm,
  type Form,
  keeping,
  keyOfTool,
  LADDER,
  OF_TOOLS,
  PLAINEST,
  RESPONSES,
  STREAM,
  THINKING_OFF,
  toolForm,
} from "./forms.ts";
import { createPartSearch, type PartSearch } from "./parts.ts";

/** Maximum number of requests in place of one, itself included. */
const TRIES_MAX = 9;
/** Maximum time (milliseconds) for them. */
const WALK_MS = 60_000;
/** Milliseconds after which a request tries again without a form. The time doubles each time. */
const AGAIN_MS = { first: 600_000, max: 86_400_000 };
/** The last forms of a walk. */
const ENDS = [PLAINEST, STREAM];
/** Single refused pictures after which a model takes none: one may be broken. */
const PICTURES_MIN = 2;
/** Maximum number of lessons: pictures may be many. */
const LESSONS_MAX = 200;

interface Lesson {
  readonly form: Form;
  /** Forms to try in its place. */
  readonly finer: Form[];
  readonly reason: string;
  readonly at: number;
  readonly forMs: number;
}

export interface Walk {
  /** The request to send now. */
  readonly request: () => ModelRequest;
  /** The next request after a refusal; `undefined` if no further one may help. */
  readonly next: (refusal: ModelError) => ModelRequest | undefined;
  /** Notes that the server answers the request. */
  readonly answered: () => void;
}

const toolsIn = ({ tools = [] }: ModelRequest) => tools;
/** Newest first, because these matter. */
const imagesIn = ({ messages }: ModelRequest) => imagesOf(messages).toReversed();

const hashes = new WeakMap<ModelImage, string>();

function hashOf(image: ModelImage): string {
  const hash = hashes.get(image) ?? createHash("sha256").update(image.data).digest("base64");
  hashes.set(image, hash);
  return hash;
}

/** A picture concerns one person, so the operator needs no step. */
function pictureForm(refused: ModelImage): Form {
  const id = hashOf(refused);
  return {
    part: "a picture",
    id,
    apply: (request) => withoutImages(request, (image) => hashOf(image) === id),
  };
}

export type Walks = ReturnType<typeof createWalks>;

export function createWalks(
  modelId: string,
  now: () => number,
  onRefused: (form: Form, reason: string, isForNow: boolean) => void,
) {
  const lessons: Lesson[] = [];
  const tools = createPartSearch(keyOfTool, 1);
  const images = createPartSearch(hashOf, PICTURES_MIN);
  const walks = new WeakMap<ModelRequest, Walk>();
  /** Forms of a walk that ran out of time: the next one begins with them. */
  let pending: readonly Form[] = [];

  /** The forms of the walk that began the running search, and its refusal. */
  let searchForms: readonly Form[] = [];
  let searchReason = "";
  /** The forms of a walk that found no cause among the tools: the next one looks at the pictures. */
  let forImages: readonly Form[] | undefined;

  const isCurrent = ({ at, forMs }: Lesson) => now() - at < forMs;

  function learn(form: Form, reason: string): void {
    const idOf = ({ part, id = "" }: Form) => `${part} ${id}`;
    const same = lessons.findIndex((lesson) => idOf(lesson.form) === idOf(form));
    const [before] = same >= 0 ? lessons.splice(same, 1) : [];
    if (lessons.length === LESSONS_MAX) lessons.shift();
    const isNew = !before || !isCurrent(before);
    const forMs = before ? Math.min(AGAIN_MS.max, before.forMs * (isNew ? 2 : 1)) : AGAIN_MS.first;
    lessons.push({ form, finer: [...form.finer ?? []], reason, at: now(), forMs });
    if (isNew) onRefused(form, reason, false);
  }

  /** The request without the parts that a search leaves out. */
  function offered(request: ModelRequest): ModelRequest {
    let fit = request;
    if (fit.tools && tools.isActive()) fit = keeping(tools.offer)(fit);
    if (!images.isActive()) return fit;
    const all = imagesIn(fit);
    const sent = new Set(images.offer(all));
    return sent.size < all.length ? withoutImages(fit, (image) => !sent.has(image)) : fit;
  }

  function createWalk(asked: ModelRequest): Walk {
    const startedAt = now();
    const known = lessons.filter(isCurrent);
    const isSearching = tools.isActive() || images.isActive();
    const resumed = isSearching ? undefined : forImages;
    /** Finer forms that this request tries in place of those of the lessons. */
    const trying = new Map<Lesson, Form>();
    for (const lesson of known) {
      const [finer] = lesson.finer;
      if (finer && finer.apply(asked) !== asked) trying.set(lesson, finer);
    }
    const steps: Form[] = isSearching ? [...searchForms] : [];
    /** The form that the newest request has, and the one before had not. */
    let last: Form | undefined;
    let tries = 1;
    let end = 0;
    let first: ModelError | undefined;
    let going: ReturnType<typeof plan> | undefined;
    let request = build();

    function build(): ModelRequest {
      const forms = [...known.map((one) => trying.get(one) ?? one.form), ...steps];
      return offered(forms.reduce((fit, { apply }) => apply(fit), asked));
    }

    /** Yields each next request, and gets its refusal. */
    function* plan(refusal: ModelError): Generator<ModelRequest, void, ModelError> {
      for (const lesson of trying.keys()) {
        lesson.finer.shift(); // it is too little
        trying.delete(lesson);
        refusal = yield build();
      }
      if (isSearching) {
        yield* look(tools, toolsIn);
        yield* look(images, imagesIn);
        steps.length = 0;
      } else if (resumed) {
        steps.push(...resumed);
        yield* look(images, imagesIn);
        yield* look(tools, toolsIn);
        steps.length = 0;
      }
      const hint = firstStep(refusal, request);
      if (hint === "images") yield* look(images, imagesIn);
      const forms = hint === "tools" ? OF_TOOLS : LADDER;
      const expired = lessons.filter((one) => !isCurrent(one)).map(({ form }) => form);
      const named = typeof hint === "object" ? [hint] : [];
      for (const form of [...pending, ...expired, ...named, ...forms]) {
        if (steps.includes(form) || form.apply(request) === request) continue;
        steps.push(last = form);
        refusal = yield build();
        if (form === RESPONSES && refusal.kind === "not_found") {
          steps.splice(-1, 1, last = THINKING_OFF);
          yield build();
        }
        // The words were wrong, so their part comes back.
        if (!LADDER.includes(form)) steps.pop();
      }
      last = undefined;
      yield* look(tools, toolsIn);
      yield* look(images, imagesIn);
    }

    /** Looks for the refused parts of a kind. If all of them are out in vain, they come back. */
    function* look<Part>(
      search: PartSearch<Part>,
      partsIn: (request: ModelRequest) => readonly Part[],
    ): Generator<ModelRequest, void, ModelError> {
      while (search.refused(partsIn(request))) yield build();
      search.forget();
    }

    function report(reason: string): void {
      const lacks = {
        tools: tools.lacksAll(toolsIn(asked).length),
        images: images.lacksAll(imagesIn(asked).length),
      };
      if (lacks.tools && toolsIn(request).length === 0) {
        tools.forget();
        learn(abilityForm("tools"), reason);
      }
      for (const tool of tools.found()) learn(toolForm([tool]), reason);
      if (lacks.images && imagesIn(request).length === 0) {
        images.forget();
        learn(abilityForm("images"), reason);
      }
      for (const image of images.found()) learn(pictureForm(image), reason);
    }

    return {
      request: () => request,
      next(refusal) {
        first ??= refusal;
        tries += 1;
        if (now() - startedAt > WALK_MS) {
          pending = steps;
          return undefined;
        }
        if (tries < TRIES_MAX - 1 && end === 0) {
          const step = going ? going.next(refusal) : (going = plan(refusal)).next();
          if (!step.done) return request = step.value;
        }
        // At last the plainest form, then the same without a stream.
        while (tries <= TRIES_MAX && end < ENDS.length) {
          const form = ENDS[end++];
          const next = form?.apply(request) ?? request;
          if (next === request) continue;
          last = form;
          return request = next;
        }
        tools.forget(); // only an answer proves anything
        images.forget();
        steps.length = 0;
        tries = TRIES_MAX;
        end = ENDS.length;
        request = build();
        return undefined;
      },
      answered() {
        pending = [];
        for (const [lesson, form] of trying) {
          if (lessons.includes(lesson)) lessons.splice(lessons.indexOf(lesson), 1);
          learn(form, lesson.reason);
        }
        if (!first && !isSearching) return;
        const reason = searchReason = first?.message ?? searchReason;
        forImages = undefined;
        if (end === ENDS.length) {
          tools.forget(); // the stream was the cause
          images.forget();
        }
        tools.taken(toolsIn(request));
        images.taken(imagesIn(request));
        if (last !== PLAINEST) {
          if (last) learn(last, reason);
        } else if (!resumed && imagesIn(asked).length > 0) {
          forImages = [...steps]; // the walk had no tries left for the pictures
          tools.forget();
          images.forget();
          onRefused(PLAINEST, reason, true);
        } else {
          if (resumed) tools.forget(); // two causes: neither kind of part is the only one
          if (!tools.isActive() && !images.isActive()) learn(PLAINEST, reason);
        }
        report(reason);
        searchForms = tools.isActive() || images.isActive() ? steps : [];
      },
    };
  }

  return {
    /** The walk of a request; a repeated one goes on. */
    of(asked: ModelRequest): Walk {
      const walk = walks.get(asked) ?? createWalk(asked);
      walks.set(asked, walk);
      return walk;
    },
    refused: (): readonly RefusedPart[] =>
      lessons.filter(isCurrent).flatMap(({ form: { part, fix }, reason, at }) =>
        fix === undefined ? [] : [{ modelId, part, fix, reason, at }]
      ),
    lacks: (ability: Form["ability"]): boolean =>
      lessons.some((one) => one.form.ability === ability && isCurrent(one)),
  };
}
