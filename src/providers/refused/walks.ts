/**
 * Walks over plainer requests in place of one that a server refuses, and remembers the parts that it
 * refuses (L3).
 *
 * Within a walk, each request leaves out more, until one is answered. The next walk goes on with what
 * the refusals and the answer tell (`parts.ts`).
 */

import { createHash } from "node:crypto";
import { imagesOf, withoutImages } from "../../core/fit_request.ts";
import type { ModelError, ModelImage, ModelRequest, RefusedPart } from "../../core/model.ts";
import { firstStep } from "./first_step.ts";
import {
  abilityForm,
  type Form,
  idOf,
  keeping,
  keyOfTool,
  LADDER,
  LIMIT,
  OF_TOOLS,
  STREAM,
  toolForm,
} from "./forms.ts";
import { createPartSearch, type Part } from "./parts.ts";

/** Maximum number of requests in place of one, itself included. */
const TRIES_MAX = 9;
/** Those of them that come later, with a delay each, after an error that may pass. */
const LATER = 2;
/** Milliseconds after which a request tries again with a part. The time doubles each time. */
const AGAIN_MS = { first: 600_000, max: 86_400_000 };
/** Maximum number of lessons: pictures may be many. */
const LESSONS_MAX = 200;

interface Lesson {
  readonly part: Part;
  readonly form: Form;
  readonly reason: string;
  readonly at: number;
  readonly forMs: number;
}

const hashes = new WeakMap<ModelImage, string>();

function hashOf(image: ModelImage): string {
  const hash = hashes.get(image) ?? createHash("sha256").update(image.data).digest("base64");
  hashes.set(image, hash);
  return hash;
}

/** A picture concerns one person, so the operator needs no step. */
function pictureForm(key: string): Form {
  return {
    part: "a picture",
    id: key,
    apply: (request) => withoutImages(request, (image) => hashOf(image) === key),
  };
}

const formPart = (form: Form): Part => ({ key: idOf(form), kind: "form", form: () => form });
const FORMS = LADDER.map(formPart);
/** Some servers want these, so they are left out at last. */
const LAST = [LIMIT, STREAM].map(formPart);
const isLast = ({ key }: Part) => LAST.some((last) => last.key === key);

/** The parts of a request, in the order in which they are left out: the last tools are newest. */
function partsOf(request: ModelRequest, named: readonly Part[]): readonly Part[] {
  const { tools = [], messages } = request;
  const own = new Set([...FORMS, ...LAST].map(({ key }) => key));
  return [
    ...named.filter(({ key }) => !own.has(key)),
    ...FORMS,
    ...tools.toReversed().map((tool): Part => ({
      ...{ key: keyOfTool(tool), kind: "tools", form: () => toolForm([tool]) },
    })),
    ...imagesOf(messages).map((image): Part => {
      const key = hashOf(image);
      return { key, kind: "images", form: () => pictureForm(key) };
    }),
    ...LAST,
  ];
}

/** Those that the request has. */
function within(request: ModelRequest, parts: readonly Part[]): readonly Part[] {
  const counted = new Set([
    ...(request.tools ?? []).map(keyOfTool),
    ...imagesOf(request.messages).map(hashOf),
  ]);
  return parts.filter(({ key, kind, form }) =>
    kind === "form" ? form().apply(request) !== request : counted.has(key)
  );
}

function without(
  request: ModelRequest,
  parts: readonly Part[],
  out: ReadonlySet<string>,
): ModelRequest {
  if (out.size === 0) return request;
  const forms = parts.filter(({ key, kind }) => kind === "form" && out.has(key));
  const fit = forms.reduce((fit, { form }) => form().apply(fit), request);
  const keep = keeping((tools) => tools.filter((tool) => !out.has(keyOfTool(tool))));
  return withoutImages(keep(fit), (image) => out.has(hashOf(image)));
}

export type Walks = ReturnType<typeof createWalks>;

/** @param before A request that was answered; absent: none was. */
export function createWalks(
  modelId: string,
  now: () => number,
  onRefused: (form: Form, reason: string) => void,
  before?: ModelRequest,
) {
  const lessons: Lesson[] = [];
  const search = createPartSearch();
  const walks = new WeakMap<ModelRequest, ReturnType<typeof createWalk>>();
  /** The refusal that began the running search, and when it came. */
  let searched = { reason: "", at: 0 };

  if (before) search.taken(within(before, partsOf(before, [])), new Set());

  const isCurrent = ({ at, forMs }: Lesson) => now() - at < forMs;

  function learn(part: Part, reason: string): void {
    const same = lessons.findIndex((lesson) => lesson.part.key === part.key);
    const [before] = same >= 0 ? lessons.splice(same, 1) : [];
    if (lessons.length === LESSONS_MAX) lessons.shift();
    const isNew = !before || !isCurrent(before);
    const forMs = before ? Math.min(AGAIN_MS.max, before.forMs * (isNew ? 2 : 1)) : AGAIN_MS.first;
    const form = part.form();
    lessons.push({ part, form, reason, at: now(), forMs });
    if (isNew) onRefused(form, reason);
  }

  function createWalk(asked: ModelRequest, startedAt: number) {
    const isSearching = search.isActive();
    const [known, expired] = [lessons.filter(isCurrent), lessons.filter((one) => !isCurrent(one))];
    const base = known.reduce((fit, { form }) => form.apply(fit), asked);
    const named = expired.map(({ part }) => part).filter(({ kind }) => kind === "form");
    let parts = within(base, partsOf(base, named));
    const out = search.start(parts, (out) => within(without(base, parts, out), parts));
    /** A form that words have named, until an answer or other words prove it. */
    let hinted: Part | undefined;
    let words: string | undefined;
    let tries = 1;
    let max = TRIES_MAX;
    let first: ModelError | undefined;
    let request = without(base, parts, out);

    /** Adds the parts that a refusal names to those that are left out. @returns Whether there are any. */
    function follow(step: ReturnType<typeof firstStep>): boolean {
      if (step === undefined) return false;
      if (typeof step === "object" && "part" in step) {
        const part = formPart(step);
        search.doubt(part);
        if (within(request, [part]).length === 0) return false;
        if (!parts.some(({ key }) => key === part.key)) {
          parts = [hinted = part, ...parts];
          search.include(part);
        }
        return leaveOut([part]);
      }
      if (typeof step === "object") {
        const tools = new Set(step.map(keyOfTool));
        const some = parts.filter(({ key }) => tools.has(key));
        some.forEach(search.doubt);
        return leaveOut(some);
      }
      if (isSearching) return false; // the search knows more than words
      const present = within(request, parts).filter((part) => !search.isClear(part));
      const forms = step === "images"
        ? []
        : present.filter(({ key }) => OF_TOOLS.some((form) => idOf(form) === key));
      const kind = step === "images" ? "images" : "tools";
      const counted = present.filter((part) => part.kind === kind);
      const others = step === "no_tools" ? counted.slice(0, -1) : [];
      if (leaveOut([...forms, ...others])) return true;
      if (step === "no_tools" && counted.length === 1) search.expectNone(kind);
      return leaveOut(counted);
    }

    function leaveOut(some: readonly Part[]): boolean {
      const more = some.filter(({ key }) => !out.has(key));
      for (const { key } of more) out.add(key);
      return more.length > 0;
    }

    /** Leaves out some more of the suspects: at most as many as before, and half of them. */
    function grow(): boolean {
      const suspects = within(request, parts).filter((part) => !search.isClear(part));
      const count = Math.min(Math.max(1, out.size), Math.ceil(suspects.length / 2));
      return leaveOut(suspects.filter((part) => !isLast(part)).slice(0, count));
    }

    function plan(refusal: ModelError): boolean {
      const step = firstStep(refusal, request);
      const isSame = refusal.words === words || refusal.kind === "not_found";
      words = refusal.words;
      if (hinted && isSame) { // its words were wrong
        out.delete(hinted.key);
        search.drop(hinted);
        parts = parts.filter((part) => part !== hinted);
      }
      hinted = undefined;
      const isFree = tries <= max - (LAST.every(search.isClear) ? 2 : 3);
      const isFollowed = isFree && follow(step);
      search.refused(within(request, parts));
      if (isFollowed || isFree && grow()) return true;
      const rest = parts.filter((part) => !isLast(part));
      const ends = [
        rest.filter((part) => !search.isClear(part)),
        rest,
        ...LAST.map((one) => [one]),
      ];
      return ends.some(leaveOut);
    }

    return {
      /** The request to send now. */
      request: () => request,
      /** Takes a refusal, the last of so many. @returns Whether a further request may help. */
      next(refusal: ModelError, fails: number): boolean {
        if (!first && !search.isActive()) searched = { reason: refusal.message, at: startedAt };
        first ??= refusal;
        tries = fails + 1;
        if (refusal.kind === "server_error") max = TRIES_MAX - LATER;
        const isPlanned = tries <= max && plan(refusal);
        if (!isPlanned) {
          search.forget(); // only an answer proves anything
          out.clear();
        }
        request = without(base, parts, out);
        return isPlanned;
      },
      /** Notes that the server answers the request. */
      answered(): void {
        const sent = within(request, parts);
        search.taken(sent, out);
        const reason = first?.message ?? searched.reason;
        const leftOut = parts.filter(({ key }) => out.has(key));
        for (const kind of ["tools", "images"] as const) {
          const isLacking = search.lacks(kind) && leftOut.some((one) => one.kind === kind);
          if (!isLacking || sent.some((one) => one.kind === kind)) continue;
          search.learnt(kind);
          search.proved(leftOut.filter((one) => one.kind === kind));
          const form = abilityForm(kind);
          learn({ key: idOf(form), kind: "form", form: () => form }, reason);
        }
        for (const part of search.proved(leftOut)) learn(part, reason);
      },
    };
  }

  return {
    /** The walk of a request; a repeated one goes on. */
    of(asked: ModelRequest, startedAt: number) {
      const walk = walks.get(asked) ?? createWalk(asked, startedAt);
      walks.set(asked, walk);
      return walk;
    },
    refused(): readonly RefusedPart[] {
      const known = lessons.filter(isCurrent).flatMap(({ form: { part, fix }, reason, at }) =>
        fix === undefined ? [] : [{ modelId, part, fix, reason, at }]
      );
      const kinds = search.suspected();
      if (kinds.length === 0) return known;
      const [kind = "form", ...others] = kinds;
      const part = kind === "form" || others.length > 0 ? "a part of requests" : `some ${kind}`;
      const fix = "the next messages tell which";
      return [...known, { modelId, part, fix, ...searched }];
    },
    lacks: (ability: Form["ability"]): boolean =>
      lessons.some((one) => one.form.ability === ability && isCurrent(one)),
  };
}
