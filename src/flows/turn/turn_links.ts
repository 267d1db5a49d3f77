/**
 * Tells which addresses people and tools have written in the conversation of a turn (R9).
 *
 * It reads the transcript of the session, the turn's messages and the results of its tools. So the
 * store remembers all addresses over restarts, in texts that it keeps anyway. Most turns ask for
 * none, and read nothing.
 */

import type { Entry } from "../../core/inbound/transcript.ts";
import type { ModelMessage, ToolCall } from "../../core/model.ts";
import type { Step } from "../../core/step.ts";
import { writtenUrls } from "../../render/safety/addresses.ts";
import { createKnownLinks, type KnownLinks } from "../../render/safety/known_links.ts";
import { createLinks } from "../../render/safety/links.ts";
import type { TurnTexts } from "./turn_attachments.ts";
import type { Recalled } from "../../store/sessions/sessions.ts";

/** Maximum number of addresses that one answer adds to results. */
const MAX_LINKS = 20;
/** Maximum number of addresses to look for in folded entries: each reads all of them. */
const MAX_LOOKUPS = 5;
/** Maximum UTF-16 units of addresses that one answer adds to results. */
const MAX_CHARS = 4_000;
/** Folded entries to read for one address. */
const MAX_FOLDED = 5;

/**
 * Creates the links of a turn.
 *
 * @param turn `steps`: those that an earlier process has stored.
 * @param earlier The entries of the session that the model is shown.
 */
export function createTurnLinks(
  { texts, steps }: { readonly texts: Pick<TurnTexts, "all">; readonly steps: readonly Step[] },
  earlier: () => readonly Entry[],
) {
  let links: KnownLinks | undefined;
  let shown = 0; // messages of the turn
  const results: { readonly call: ToolCall; readonly text: string }[] = [];

  function addEntries(known: KnownLinks, entries: readonly ModelMessage[]): void {
    for (const entry of entries) {
      if (entry.role === "tool") addCall(known, entry.call); // folded results come without the answer
      known.add(isByAgent(entry) ? "model" : WRITERS[entry.role], entry.text);
      if (entry.role === "assistant") {
        for (const call of entry.calls ?? []) addCall(known, call);
      }
    }
  }

  function read(): KnownLinks {
    if (!links) {
      links = createKnownLinks();
      addEntries(links, earlier());
      const calls = new Map<string, ToolCall>();
      for (const step of steps) {
        if (step.kind === "answer") { for (const call of step.calls) calls.set(call.id, call); }
        if (step.kind !== "result") continue;
        const call = calls.get(step.callId);
        if (call) addCall(links, call);
        links.add(call?.name === ASK_AGENT ? "model" : "tool", step.text);
      }
    }
    const all = texts.all();
    for (const text of all.slice(shown)) links.add("person", text);
    shown = all.length;
    for (const { call, text } of results.splice(0)) {
      addCall(links, call);
      links.add(call.name === ASK_AGENT ? "model" : "tool", text);
    }
    return links;
  }

  const isKnown = (address: string): boolean => read().has(address);
  return {
    add: (call: ToolCall, text: string): void => void results.push({ call, text }),
    /** Whether a person or a tool has written exactly this address. */
    isKnown,
    /** Reads the entries that a summary has folded, for addresses of an answer. */
    async recall(answer: string, sessionKey: string, sessions: Recalled): Promise<void> {
      const foreign = citedIn(answer).filter((address) => isForeign(address, isKnown));
      for (const word of foreign.slice(0, MAX_LOOKUPS)) {
        const query = { messageIds: [], words: [word], limit: MAX_FOLDED };
        addEntries(read(), (await sessions.recall(sessionKey, query)).entries);
      }
    },
  };
}

export type TurnLinks = ReturnType<typeof createTurnLinks>;

/** Its results are words of a model. Links that tools of the asked agent returned are in their results. */
const ASK_AGENT = "ask_agent";

function isByAgent(entry: ModelMessage): boolean {
  return entry.role === "tool" && entry.call.name === ASK_AGENT;
}

const WRITERS = { user: "person", tool: "tool", assistant: "model" } as const;

/** Adds the arguments as the model wrote them, and as the tool read them: JSON has escapes. */
function addCall(known: KnownLinks, { arguments: written }: ToolCall): void {
  known.add("model", written);
  if (!written.includes("\\")) return;
  try {
    JSON.parse(written, (key, value: unknown) => {
      known.add("model", key);
      if (typeof value === "string") known.add("model", value);
      return value;
    });
  } catch {
    // such a call has no result but its refusal
  }
}

/** The addresses of an answer that lose a part if no one has written them. */
function citedIn(answer: string): readonly string[] {
  return [...new Set(writtenUrls(answer))].filter((url) => /[?#]/.test(url)).slice(0, MAX_LINKS);
}

function isForeign(address: string, isKnown: (address: string) => boolean): boolean {
  return createLinks({ written: [], isKnown, linkHosts: [] }).hasUntrusted(`<${address}>`);
}

/**
 * Adds to results the addresses that the answer has from them, if the transcript keeps too little of
 * the results to contain them. So a later turn may repeat the answer's links.
 *
 * @param entries The steps of a turn, as the transcript keeps them.
 */
export function withCitedLinks(
  entries: readonly ModelMessage[],
  steps: readonly Step[],
  answer: string,
  isKnown: (address: string) => boolean,
): readonly ModelMessage[] {
  const cited = citedIn(answer).filter(isKnown);
  if (cited.length === 0) return entries;
  const results = steps.filter((step) => step.kind === "result");
  let room = MAX_CHARS;
  let at = 0;
  return entries.map((entry) => {
    if (entry.role !== "tool") return entry;
    const whole = results[at++];
    if (!whole || whole.callId !== entry.call.id || whole.text === entry.text) return entry;
    const [before, kept] = [whole.text, entry.text].map((text) => {
      const known = createKnownLinks();
      known.add("tool", text);
      return known;
    });
    const missing = cited.filter((url) => before?.has(url) && !kept?.has(url))
      .filter((url) => (room -= url.length) >= 0);
    if (missing.length === 0) return entry;
    return { ...entry, text: `${entry.text}\n[links in the answer]\n${missing.join("\n")}` };
  });
}
