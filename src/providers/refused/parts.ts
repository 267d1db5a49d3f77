/**
 * Finds the refused parts of requests by group tests over many requests (L3). An answered request
 * clears its parts. A refused one has a bad part among those that are not clear.
 */

import type { Form } from "./forms.ts";

export interface Part {
  readonly key: string;
  readonly kind: "form" | "tools" | "images";
  /** The form that leaves it out. */
  readonly form: () => Form;
}

/** Bad parts in a row after which the others of their kind count as bad, because of their number. */
const ROW_MAX = 6;
/** Bad parts of a kind, with none taken ever, after which the server takes none; or all, if several. */
const LACKS_MIN = 3;
const COUNTED = ["tools", "images"] as const;

export function createPartSearch() {
  let clear = new Map<string, Part>();
  /** Each has a bad part. */
  let groups: (readonly Part[])[] = [];
  /** Found ones that no answer has proved yet. */
  const bad = new Map<string, Part>();
  const taken = new Set<Part["kind"]>();
  /** Number of bad ones, of each kind of which none was taken. */
  const singles = new Map<Part["kind"], number>();
  const rows = new Map<Part["kind"], number>();

  const isIn = (group: readonly Part[], { key }: Part) => group.some((one) => one.key === key);
  /** Maximum number of parts of a kind in a request. */
  const most = new Map<Part["kind"], number>();
  const lacks = (kind: Part["kind"]) =>
    (singles.get(kind) ?? 0) >= Math.min(LACKS_MIN, Math.max(2, most.get(kind) ?? 0));
  const isActive = () => groups.length > 0 || bad.size > 0;

  function blame(some: readonly Part[]): void {
    for (const part of some) bad.set(part.key, part);
    groups = groups.filter((group) => !group.some(({ key }) => bad.has(key))); // it is explained
  }

  function addBad(part: Part): void {
    blame([part]);
    const { kind } = part;
    rows.set(kind, (rows.get(kind) ?? 0) + 1);
    if (kind === "form") return;
    if (!taken.has(kind)) singles.set(kind, (singles.get(kind) ?? 0) + 1);
    if (lacks(kind)) groups = groups.filter((group) => group.every((one) => one.kind !== kind));
  }

  function forget(): void {
    bad.clear();
    groups = [];
    rows.clear();
    singles.clear();
  }

  return {
    isActive,
    forget,
    isClear: ({ key }: Part): boolean => clear.has(key),
    /** Whether the server takes no part of a kind. */
    lacks,
    /** Notes that a server says so of one part as well: if it is bad, all of its kind are. */
    expectNone: (kind: Part["kind"]): void => void singles.set(kind, LACKS_MIN - 1),
    /** Forgets that, because it is learnt. */
    learnt: (kind: Part["kind"]): void => void singles.delete(kind),
    /** Makes a part suspect, although it was taken before. */
    doubt: ({ key }: Part): void => void clear.delete(key),
    /** Adds a part that was in all refused requests of the search. */
    include(part: Part): void {
      groups = groups.map((group) => [...group, part]);
    },
    /** The kinds of the parts among which the bad ones are. */
    suspected: (): readonly Part["kind"][] => [...new Set(groups.flat().map(({ kind }) => kind))],
    /** Removes a part of which words were wrong. */
    drop({ key }: Part): void {
      groups = groups.map((group) => group.filter((one) => one.key !== key));
    },

    /**
     * The keys of the parts to leave out of the first request for these: it clears many others.
     *
     * @param sentWithout The parts that are left then: a form may leave out others, too.
     */
    start(
      parts: readonly Part[],
      sentWithout: (out: ReadonlySet<string>) => readonly Part[],
    ): Set<string> {
      for (const kind of COUNTED) {
        const count = parts.filter((part) => part.kind === kind).length;
        most.set(kind, Math.max(count, most.get(kind) ?? 0));
        if ((rows.get(kind) ?? 0) < ROW_MAX || lacks(kind)) continue;
        rows.delete(kind);
        blame(parts.filter((part) => part.kind === kind && !clear.has(part.key)));
      }
      const open = parts.filter(({ key, kind }) => !bad.has(key) && !lacks(kind));
      const out = new Set(parts.filter((part) => !isIn(open, part)).map(({ key }) => key));
      const left = groups.map((group) => group.filter((part) => isIn(open, part)))
        .filter((group) => group.length > 0)
        .toSorted((one, other) => one.length - other.length);
      const suspects = left.flat();
      for (const { key } of suspects) out.add(key);
      const doubted = COUNTED.find((kind) => singles.has(kind));
      const others = open.filter(({ kind }) => kind === doubted);
      const count = doubted ? singles.get(doubted) ?? 0 : 0;
      const single = others[Math.floor(others.length / 2) * (count - 1)];
      if (single) { // does the server take any?
        for (const { key } of others) out.add(key);
        out.delete(single.key);
      } else if (sentWithout(out).every(({ key }) => clear.has(key))) {
        const [smallest = []] = left;
        for (const { key } of smallest.slice(Math.floor(smallest.length / 2))) out.delete(key);
      }
      return out;
    },

    /** Notes a refused request with these parts. */
    refused(parts: readonly Part[]): void {
      if (parts.every(({ key }) => clear.has(key))) {
        clear.clear(); // the server has changed
        taken.clear();
        forget();
      }
      const group = parts.filter(({ key }) => !clear.has(key));
      const [one, ...others] = group;
      if (one && others.length === 0) return addBad(one);
      groups = groups.filter((known) => !group.every((part) => isIn(known, part)));
      groups.push(group);
    },

    /** Notes an answered request with these parts. Only those in `out` were left out on purpose. */
    taken(parts: readonly Part[], out: ReadonlySet<string>): void {
      for (const part of parts) {
        if (!clear.has(part.key)) rows.delete(part.kind);
        clear.set(part.key, part);
        taken.add(part.kind);
        singles.delete(part.kind);
        bad.delete(part.key);
      }
      const left = groups.map((group) => group.filter(({ key }) => out.has(key)));
      groups = left.filter((group) => group.length > 1);
      for (const [one, ...others] of left) if (one && others.length === 0) addBad(one);
    },

    /**
     * The bad parts that an answered request proves, because it was written without them. Pictures
     * are clear until then only: the number of pictures may be the cause, and the newest matter most.
     */
    proved(leftOut: readonly Part[]): readonly Part[] {
      const found = leftOut.filter(({ key }) => bad.delete(key));
      if (!isActive()) clear = new Map([...clear].filter(([, { kind }]) => kind !== "images"));
      return found;
    },
  };
}
