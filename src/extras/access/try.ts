/**
 * `barnacle access test`: checks whether the bot would answer a hypothetical event (P1).
 *
 * The same engine judges real events. Missing facts come from the store and, with a token and without
 * `--offline`, from Discord. The command reports facts that stay unknown: a role list, for example,
 * matches no user whose roles are unknown.
 */

import type { AccountId } from "../../core/discord/ids.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { KnownFacts } from "../../core/inbound/facts.ts";
import { restoreIndex } from "../../discord/gateway/decode/guild_index.ts";
import { printable } from "../../lib/text/quoted.ts";
import { type AccessEventKind, explain } from "../../policy/authorize.ts";
import { missingSection } from "../../config/config.ts";
import type { Tool } from "../../core/turn/tool.ts";
import { TEXT_COMMANDS } from "../../interactions/registry.ts";
import type { CommandNeeds } from "../../policy/rules/rules.ts";
import { findRoles, type Hypothetical, parseUser, toEvent } from "./hypothetical.ts";
import {
  accessNow,
  type AccessView,
  type ReadAccess,
  type RulePlace,
  ruleText,
  tellDefaults,
  viewOf,
} from "../../cli/verdict/current_rules.ts";
import { lookUpUser, type UserFacts } from "./look_up.ts";
import { findPlace, type FoundPlace, unknownId } from "../../cli/verdict/place.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { printLines } from "../../cli/shared/columns.ts";
import {
  asPhrase,
  checkLines,
  dependOnOwner,
  type PlacedCheck,
  placedChecks,
  type PlacedDecision,
  toolLines,
  toolsOf,
} from "../../cli/verdict/checks.ts";
import { tellRefused } from "../../cli/shared/read_config.ts";
import { reasonText } from "../../render/notices/reasons.ts";
import { routingFacts } from "../../flows/judging/routing.ts";
import { prepareRouter } from "../../policy/router.ts";
import { TOOLS } from "../../tools/registry.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { withStoreIfAny } from "../../cli/shared/with_store.ts";
import type { Store } from "../../store/store.ts";

export interface AccessTestFlags extends CommonFlags {
  /** Id, mention or username. */
  readonly user: string;
  /** The place, as {@link findPlace} reads it. */
  readonly channel: string;
  /** Text of the message. */
  readonly text?: string;
  readonly reply: boolean;
  readonly mention: boolean;
  readonly bot: boolean;
  /** Whether the sender may manage messages. */
  readonly manager: boolean;
  /** Ids or names of the sender's roles. */
  readonly role?: readonly string[];
  readonly event: AccessEventKind;
  readonly on: Hypothetical["on"];
  readonly needs: CommandNeeds;
  /** The account; `default` or the only one if absent. */
  readonly account?: string;
  /** Whether to skip requests to Discord. */
  readonly offline: boolean;
}

/**
 * Prints the verdict on the hypothetical event, with every check. If the bot would answer, it also
 * prints the tools of the turn (T2).
 *
 * @param tools All tools of this version, unless a test has others.
 */
export function accessTest(
  flags: AccessTestFlags,
  io: Io,
  tools: readonly Tool[] = TOOLS,
): Promise<ExitCode> {
  return withStoreIfAny(flags, io, async (store) => {
    const now = await accessNow(await configBefore(flags, io), io, store);
    if (tellRefused(now, io)) return EXIT.config;
    tellDefaults(now, io);
    const view = viewOf(now, flags.account);
    const tried = await tryAccess(flags, { now, view, store, io, tools });
    const { verdict, words, rule, place, checks, unknown } = tried;
    if (flags.json) io.out(JSON.stringify(tried));
    else {
      const where = printable(ruleText(rule, place, io.cwd));
      io.out(`${WOULD[verdict]}: ${asPhrase(words)} (${where})`);
      printLines(checkLines(checks, io), io);
      printLines(toolLines(tried.tools, io), io);
      for (const fact of unknown) io.err(`Note: ${fact}`);
    }
    if (verdict === "accept") return EXIT.done;
    const isAboutSender = SENDER_CHECKS.includes(checks.at(-1)?.id ?? "");
    return isAboutSender && unknown.length > 0 ? EXIT.partly : EXIT.failed;
  });
}

/** Checks whose result may change with more facts about the sender. */
const SENDER_CHECKS: readonly string[] = ["sender", "rights"];

export const WOULD: Readonly<Record<TriedAccess["verdict"], string>> = {
  accept: "Would be answered",
  challenge: "Would not be answered, but the sender would get a pairing code",
  undecided: "Would wait for a fact first",
  ignore: "Would not be answered",
};

type TriedEvent = Omit<AccessTestFlags, "config" | "data" | "json" | "account">;

export interface TriedAccess {
  readonly accountId: AccountId;
  readonly verdict: Verdict["kind"];
  readonly why: Verdict["why"];
  readonly words: string;
  /** Config path of the rule that decided. */
  readonly rule: string;
  /** Place of the rule in the file. */
  readonly place: RulePlace | undefined;
  /** The checks in their order; the last one decided. */
  readonly checks: readonly PlacedCheck[];
  /** The tools of the turn; none if the bot would not answer. */
  readonly tools: readonly PlacedDecision[];
  /** Missing facts that a rule may need, in words. */
  readonly unknown: readonly string[];
}

/**
 * Judges a hypothetical event by the bot's own engine.
 *
 * @throws {StartError} If the place or a role is unknown or ambiguous.
 */
export async function tryAccess(
  flags: TriedEvent,
  { now, view, store, io, tools }: {
    readonly now: ReadAccess;
    /** The rules of the account that gets the event. */
    readonly view: AccessView;
    /** Absent if there is no store yet. */
    readonly store: Store | undefined;
    /** For the token of Discord, and for slow requests. */
    readonly io: Pick<Io, "env" | "during">;
    readonly tools: readonly Tool[];
  },
): Promise<TriedAccess> {
  const { accountId, policy } = view;
  const { index } = restoreIndex(await store?.gateway.guildsOf(accountId) ?? []);
  const place = findPlace(flags.channel, index);
  if (place.kind === "problem") throw new StartError(place.problem, EXIT.usage);
  const guild = place.guildId && index.get(place.guildId);
  const given = findRoles(flags.role ?? [], guild);
  if ("problem" in given) throw new StartError(given.problem, EXIT.usage);

  const learned = await io.during(
    "Asking Discord",
    lookUpUser({
      user: parseUser(flags.user),
      place,
      index,
      policy,
      roles: flags.role ? given : undefined,
      needsOwner: isCommand(flags.event)
        ? flags.needs === "owner"
        : flags.event === "message" && dependOnOwner(tools),
      isOffline: flags.offline,
    }, { config: now.config, accountId, store, env: io.env }),
  );
  const { self } = await store?.gateway.loadAccount(accountId) ?? {};
  const event = toEvent(meantBy(flags, view, place, learned), { self, guild, now: Date.now() });
  const routing = "message" in event ? routingFacts(event.message, policy, []) : undefined;
  const explanation = explain(
    event,
    { ...knownFactsOf(flags, view, now, learned), routing },
    policy,
    TEXT_COMMANDS,
  );
  const { verdict } = explanation;
  const { kind, why, rule } = verdict;
  const isAnswered = verdict.kind === "accept" && event.kind === "message";
  return {
    accountId,
    verdict: kind,
    why,
    words: reasonText(why),
    rule,
    place: view.placeOf(rule),
    checks: placedChecks(explanation, view.placeOf).map(withoutUnknownId),
    tools: isAnswered
      ? toolsOf(
        {
          ...event.message,
          agentId: prepareRouter(policy.router)({ ...event.message, ...routing }).agentId,
          ownsApplication: () => learned.ownsApplication,
        },
        policy,
        tools,
        view.placeOf,
        (name) => missingSection(name, now.config),
      )
      : [],
    unknown: learned.unknown,
  };
}

function withoutUnknownId(rung: PlacedCheck): PlacedCheck {
  return { ...rung, fact: rung.fact.replaceAll(`(${unknownId()})`, "(id not known)") };
}

const isCommand = (event: AccessEventKind): boolean =>
  event === "slash" || event === "button" || event === "select" || event === "modal";

function meantBy(
  { event, text = "hello", reply, mention, bot, on, needs }: TriedEvent,
  { accountId }: AccessView,
  place: FoundPlace,
  { user, roles }: UserFacts,
): Hypothetical {
  return {
    event,
    accountId,
    place,
    user,
    roles,
    text,
    isReply: reply,
    isMention: mention,
    isBot: bot,
    on,
    needs,
  };
}

function knownFactsOf(
  { manager }: TriedEvent,
  { accountId }: AccessView,
  now: ReadAccess,
  { user: { id }, ownsApplication }: UserFacts,
): KnownFacts {
  return {
    isPaired: id !== undefined && now.isPaired(accountId, id),
    managesMessages: manager,
    ownsApplication: ownsApplication || undefined,
  };
}
