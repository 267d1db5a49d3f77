/** Checks the sender of an event: allow lists, and the rules for bots and webhooks (P10, P11). */

import type { Place, Sender } from "../core/inbound/inbound.ts";
import { type AcceptReason, ignored, type Verdict } from "../core/inbound/verdict.ts";
import { quoted } from "../lib/text/quoted.ts";
import type { CommandNeeds } from "../core/inbound/text_commands.ts";
import type { ChannelId } from "../core/discord/ids.ts";
import type { KnownFacts } from "../core/inbound/facts.ts";
import { type AllowEntry, entryText, prepareAllowlist } from "./rules/allowlist.ts";
import { nameOf, type RecordCheck } from "./rules/checks.ts";
import type { AccessPolicy } from "./rules/rules.ts";
import type { OpenPlace } from "./rules/place_rules.ts";

export interface AccessGrant {
  readonly why: AcceptReason;
  /** Config path that gives access. */
  readonly rule: string;
  /** Writes the observed fact, for the operator. */
  readonly fact: () => string;
}

const ALLOW_BOTS = "channels.discord.allowBots";
const LOOP_GUARD = "channels.discord.loopGuard";
const ACCESS_GROUPS = "commands.useAccessGroups";

/** Prepares a policy's allow lists and its rules for bots. */
export function prepareSenders(
  { allowBots, commands }: Pick<AccessPolicy, "allowBots" | "commands">,
) {
  const lists = new Map<readonly AllowEntry[], (sender: Sender) => AllowEntry | undefined>();
  return {
    /** Indexes each list when it is first needed, so a verdict costs a few look-ups. */
    entryFor(sender: Sender, list: readonly AllowEntry[]): AllowEntry | undefined {
      let find = lists.get(list);
      if (!find) lists.set(list, find = prepareAllowlist(list));
      return find(sender);
    },
    /** Access for a command if the allow lists do not apply to commands (K3); else `undefined`. */
    unlistedGrant(): AccessGrant | undefined {
      if (commands.usesAccessGroups) return undefined;
      return {
        why: "command",
        rule: ACCESS_GROUPS,
        fact: () => "the allow lists do not apply to commands",
      };
    },
    /** Refuses a bot or webhook that the policy does not let in, or that the loop guard mutes. */
    automatonIsRefused({ sender, known }: Caller, ask: RecordCheck): AccessRefusal | undefined {
      const { automaton } = sender;
      if (!automaton) return undefined;
      const fact = () => `${nameOf(sender)} is a ${automaton}, and allowBots is ${allowBots}`;
      if (!ask("bots", allowBots, ALLOW_BOTS, fact)) return ignored(automaton, ALLOW_BOTS);
      const isAllowed = known.isMuted !== true;
      const loop = () =>
        isAllowed
          ? "the last messages here are not only by bots"
          : "the last messages here are all by bots, so none of them is answered until a person " +
            "writes or they have been quiet";
      return ask("loop", isAllowed, LOOP_GUARD, loop)
        ? undefined
        : ignored("loop-guard", LOOP_GUARD);
    },
  };
}

/** The fact that a sender is on an allow list, for the operator. */
export function onTheList(sender: Sender, entry: AllowEntry): string {
  return `${nameOf(sender)} is on the list as ${quoted(entryText(entry))}`;
}

export interface Caller {
  readonly place: Place;
  /** Id of that channel, thread or direct message channel. */
  readonly channelId: ChannelId;
  /** The person, bot or webhook. */
  readonly sender: Sender;
  readonly known: KnownFacts;
  /** Returns the right that the event's command needs; `undefined` if it is no command. */
  readonly needs: () => CommandNeeds | undefined;
  /** Whether an unpaired sender may get a pairing code for this in a direct message. */
  readonly isChallenged: boolean;
  /** Whether it is a message, for which PluralKit can name the author. */
  readonly isMessage: boolean;
}

/** The sender may talk here. */
export interface Granted {
  readonly kind: "granted";
  /** Reason of the verdict, unless a later check replaces it. */
  readonly why: AcceptReason;
  /** Config path of the rule that allows it. */
  readonly rule: string;
  /** The rules of the place; absent outside guilds. */
  readonly open?: OpenPlace;
}

/** The sender may not talk here, or not yet. */
export type AccessRefusal = Exclude<Verdict, { readonly kind: "accept" }>;
