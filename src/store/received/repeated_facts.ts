/**
 * Finds the row of a verdict by objects, for the usual case: the same person in the same place again,
 * with the same verdict.
 *
 * Decoding usually gives the same object for the same person, and for the same place. So comparing a few
 * fields shows that all facts are equal, without a text of them.
 *
 * @module
 */

import { hasContent, hasNoKnownFacts } from "../../core/inbound/facts.ts";
import type { InboundMessage, Place, Sender } from "../../core/inbound/inbound.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";

/**
 * The row of the last common verdict on each sender in each place. It keeps no sender and no place in
 * memory.
 */
export interface RepeatedFacts {
  /** The row of the last verdict, if this one has the same facts. */
  rowOf(judged: Judged): number | undefined;
  /** Notes the row of a common verdict: one whose facts have a key. */
  note(judged: Judged, row: number): void;
  /** Forgets all rows. */
  forget(): void;
}

/** What can differ between two common messages of one sender in one place. */
type VaryingFacts =
  & Pick<Verdict, "kind" | "why" | "rule">
  & Pick<InboundMessage, "channelId" | "revision" | "mention" | "mentionsOthers">
  & Pick<InboundMessage, "isAnnouncement">
  & Pick<Judged, "policyId">
  & { readonly hasContent: boolean };

type LastVerdict = VaryingFacts & { readonly row: number };

/** Creates an empty memory. */
export function createRepeatedFacts(): RepeatedFacts {
  let places = new WeakMap<Place, WeakMap<Sender, LastVerdict>>();

  return {
    rowOf(judged) {
      const { message, policyVerdict, knownFacts } = judged;
      const last = places.get(message.place)?.get(message.sender);
      if (!last || policyVerdict || !hasNoKnownFacts(knownFacts)) return undefined;
      return hasSameFacts(last, judged) ? last.row : undefined;
    },
    note(judged, row) {
      const { place, sender } = judged.message;
      let senders = places.get(place);
      if (!senders) places.set(place, senders = new WeakMap());
      senders.set(sender, { ...varyingOf(judged), row });
    },
    forget: () => void (places = new WeakMap()),
  };
}

function varyingOf({ message, verdict, policyId }: Judged): VaryingFacts {
  const { kind, why, rule } = verdict;
  const { channelId, revision, mention, mentionsOthers, isAnnouncement } = message;
  return {
    kind,
    why,
    rule,
    channelId,
    revision,
    mentionsOthers,
    hasContent: hasContent(message),
    mention,
    isAnnouncement: isAnnouncement || undefined,
    policyId,
  };
}

/** Compares without an object: most messages come here. */
function hasSameFacts(last: VaryingFacts, { message, verdict, policyId }: Judged): boolean {
  return last.why === verdict.why && last.rule === verdict.rule && last.kind === verdict.kind &&
    last.channelId === message.channelId &&
    last.revision === message.revision && last.mention === message.mention &&
    last.mentionsOthers === message.mentionsOthers &&
    last.isAnnouncement === message.isAnnouncement && last.policyId === policyId &&
    last.hasContent === hasContent(message);
}
