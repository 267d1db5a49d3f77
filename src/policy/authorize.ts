/**
 * One gate for every kind of event that the intents bring (P16, SEC-R15).
 *
 * For each event, the same check decides first whether its sender may talk to the bot in that
 * place. Only then does the kind of event matter. A new kind of event does not compile until it
 * states its requirements.
 */

import type { CommandNeeds, InboundMessage, Place, Sender } from "../core/inbound/inbound.ts";
import type {
  Explanation,
  KnownFacts,
  RecalledMessage,
  VerdictCheck,
} from "../core/inbound/inbox.ts";
import type { ChannelId } from "../core/discord/ids.ts";
import { ignored, type Verdict } from "../core/inbound/inbox.ts";
import { type ExistingCommands, prepareMessages } from "./admission.ts";
import { type AllowEntry, prepareAllowlist } from "./rules/allowlist.ts";
import type { Granted } from "./place_access.ts";
import { preparePlaceAccess } from "./place_access.ts";
import { createRecorder, nameOf, type RecordCheck, recordNothing } from "./rules/checks.ts";
import { prepareRights } from "./rights.ts";
import type { AccessPolicy, ReactionMode } from "./rules/rules.ts";

export interface UserAction {
  readonly place: Place;
  /** Id of that channel, thread or direct message channel. */
  readonly channelId: ChannelId;
  readonly sender: Sender;
}

/** An event that needs permission. `needs` is the right that its command needs. */
export type AccessEvent =
  | { readonly kind: "message"; readonly message: InboundMessage | RecalledMessage }
  /** `on`: whether the bot or another author wrote the message. */
  | UserAction & { readonly kind: "reaction"; readonly on: "own" | "other" }
  | UserAction & {
    readonly kind: "button" | "select" | "modal" | "slash";
    readonly needs: CommandNeeds;
  }
  | UserAction & { readonly kind: "speech" };

/**
 * Judges one event.
 *
 * @param known Facts known beside the event; none by default.
 */
export type Authorize = (event: AccessEvent, known?: KnownFacts) => Verdict;

export function prepareAuthorize(policy: AccessPolicy, commands: ExistingCommands): Authorize {
  const judge = prepareEvents(policy, commands);
  return (event, known = {}) => {
    const verdict = judge(event, known, recordNothing);
    return { ...verdict, rule: policy.ruleOf(verdict.rule) };
  };
}

/** Judges an event as {@link prepareAuthorize} does, and returns every check on the way. */
export function explain(
  event: AccessEvent,
  known: KnownFacts,
  policy: AccessPolicy,
  commands: ExistingCommands,
): Explanation {
  const checks: VerdictCheck[] = [];
  const verdict = prepareEvents(policy, commands)(
    event,
    known,
    createRecorder(checks, policy.ruleOf),
  );
  return { verdict: { ...verdict, rule: policy.ruleOf(verdict.rule) }, checks };
}

function prepareEvents(
  policy: AccessPolicy,
  commands: ExistingCommands,
): (event: AccessEvent, known: KnownFacts, ask: RecordCheck) => Verdict {
  const judgeMessage = prepareMessages(policy, commands);
  const rights = prepareRights(policy);
  const checkAccess = preparePlaceAccess(policy, rights);

  /** Judges a reaction, once its sender may talk in the place (H5). */
  function judgeReaction(
    { sender, on }: AccessEvent & { readonly kind: "reaction" },
    { open, rule }: Granted,
    ask: RecordCheck,
  ): Verdict {
    const mode = open?.reactionNotifications ?? { value: "own", rule: DMS };
    const isCounted = reactionCounts(mode.value, on, sender, open?.guildUsers?.value);
    const fact = () =>
      `reactionNotifications is "${mode.value}"; ${nameOf(sender)} reacts to ${
        on === "own" ? "a message by the bot" : "a message by another author"
      }`;
    if (!ask("reactions", isCounted, mode.rule, fact)) {
      return ignored("reactions-off", mode.rule);
    }
    return { kind: "accept", why: "allowed", rule };
  }

  function judgeCommand(
    { place, sender, needs }: UserAction & { readonly needs: CommandNeeds },
    known: KnownFacts,
    { rule }: Granted,
    ask: RecordCheck,
  ): Verdict {
    const right = rights.needed(needs, place, sender, known);
    if (!right) return { kind: "accept", why: "allowed", rule };
    if (!ask("rights", right.isTheirs, right.rule, right.fact)) {
      return ignored(right.why, right.rule);
    }
    return { kind: "accept", why: needs === "owner" ? "owner" : "allowed", rule: right.rule };
  }

  return (event, known, ask) => {
    if (event.kind === "message") return judgeMessage(event.message, known, ask);
    const { place, channelId, sender } = event;
    const caller = {
      place,
      channelId,
      sender,
      known,
      needs: () => "needs" in event ? event.needs : undefined,
      isChallenged: event.kind === "slash", // the only one of these with which an unpaired sender can begin
      isMessage: false,
    };
    const access = checkAccess(caller, ask);
    if (access.kind !== "granted") return access;
    switch (event.kind) {
      case "reaction":
        return judgeReaction(event, access, ask);
      case "button":
      case "select":
      case "modal":
      case "slash":
        return judgeCommand(event, known, access, ask);
      case "speech":
        return { kind: "accept", why: "allowed", rule: access.rule };
    }
  };
}

/** Direct messages have no key for reactions: those on the bot's messages count. */
const DMS = "channels.discord.dm";

function reactionCounts(
  mode: ReactionMode,
  on: "own" | "other",
  sender: Sender,
  users: readonly AllowEntry[] | undefined,
): boolean {
  switch (mode) {
    case "off":
      return false;
    case "own":
      return on === "own";
    case "all":
      return true;
    case "allowlist":
      return users !== undefined && prepareAllowlist(users)(sender) !== undefined;
  }
}
