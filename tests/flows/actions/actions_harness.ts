/**
 * Runs actions of the tool `discord` against a simulated Discord: the real tool, port, rights and
 * store, over real sockets. Each request is checked against Discord's OpenAPI document.
 *
 * The bot is an administrator with the highest role. So only the rights of the asker can refuse.
 */

import assert from "node:assert/strict";
import type { Decision, Question } from "../../../src/core/people/question.ts";
import type { AccountId, MessageId, UserId } from "../../../src/core/discord/ids.ts";
import { filesOf } from "../../../src/flows/media/files.ts";
import { showing } from "../../../src/flows/actions/targets.ts";
import { latestOf } from "../../../src/lib/cache.ts";
import { readChannelHistory } from "../../../src/tools/channel.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { voice } from "../../../src/features/voice/tool.ts";
import { discord as tool } from "../../../src/tools/discord/discord.ts";
import { addChannel, addMember, addRole } from "../../../simulator/world/create_world.ts";
import { ALL_PERMISSIONS, PERMISSION } from "../../../simulator/world/permissions.ts";
import type { Role, TextChannel, Thread, User } from "../../../simulator/world/world.ts";
import { type Simulated, withDiscord } from "../../discord/rest/simulated.ts";
import {
  directMessage,
  guildMessage,
  guildPlace,
  messageIdAt,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import type { FakeClock } from "../../support/fake_clock.ts";
import type { AccessPolicy } from "../../../src/policy/rules.ts";
import { policy } from "../../policy/policies.ts";
import { isResult } from "../../../src/flows/turn/toolbox.ts";
import { toolboxOf, toolContext } from "../../support/model/tools.ts";

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2, 3, 4]);

export interface Asking {
  /** Default: grace, who has the role "officers". */
  readonly by?: User;
  /** Whether the asker owns the bot. */
  readonly isOwner?: boolean;
  /** Whether the question comes from direct messages. */
  readonly isDirect?: boolean;
  /** The channel of the question; default: #general. */
  readonly place?: TextChannel | Thread;
  /** Number of the turn; calls of one turn share their bounds. */
  readonly turn?: number;
  /** A later message of another person, which the turn answers too. */
  readonly also?: User;
  /** The words of the question; default: those of the builder. */
  readonly text?: string;
  /** Calls of the same answer before it, without results. */
  readonly before?: readonly object[];
  /** Whether a hook asks, and no person. */
  readonly isHook?: boolean;
  /** What a person has decided about the call; absent: they allow what cannot be undone. */
  readonly decision?: Decision;
}

/** Actions that a person must allow first. */
const IRREVERSIBLE = ["deleteMessage", "channelDelete", "categoryDelete", "kick", "ban", "pollEnd"];

/** A person's yes on a card. */
export const pressedBy = ({ id: by }: User): Decision => ({
  ...{ kind: "answered", answer: { choice: "once" }, about: "limit", by },
});

/** A person's yes to an action that cannot be undone. */
function confirmed(args: object, by: User): Decision | undefined {
  const asks = "action" in args && IRREVERSIBLE.includes(String(args.action));
  return asks ? pressedBy(by) : undefined;
}

export interface ActionScene extends Simulated {
  /** Below the bot and the officers; no one has it. */
  readonly crew: Role;
  /** A member without roles. */
  readonly target: User;
  /** Gives the officers exactly these permissions beside those of everyone. */
  permit(...names: readonly (keyof typeof PERMISSION)[]): void;
  /** Runs an action, and returns the words for the model; a refusal too. */
  run(args: object, asking?: Asking): Promise<string>;
  /** Whether an answer in a place may show a note or reminder that was written in another channel. */
  shows(written: TextChannel, asking: Asking): Promise<boolean>;
  /** The question to people before an action of grace, with further actions of the same answer. */
  ask(args: object, ...others: readonly object[]): Promise<Question | undefined>;
  /** The same, with another place and words of hers. */
  askAs(args: object, asking: Asking): Promise<Question | undefined>;
  askIn(turn: number, ...all: readonly object[]): Promise<Question | undefined>;
  /** Requests that change something. */
  writes(): readonly string[];
  readonly refused: readonly string[];
  readonly presences: readonly unknown[];
  /** People whom messages of the bot answer, by the messages. */
  readonly answered: Map<string, UserId>;
  readonly clock: FakeClock;
  /** The current rules; a test may replace them. */
  readonly rules: { policy: AccessPolicy; alsoGuilds: readonly string[]; sharesDirect?: boolean };
}

const SEEN = { kind: "accept", why: "allowed", rule: "" } as const;

export async function withActions(test: (scene: ActionScene) => Promise<void>): Promise<void> {
  await withDiscord(async (discord) => {
    const { api, sim, demo: { world, krill, people, barnacle, channels } } = discord;
    const at = Date.UTC(2026, 0, 2);
    const target = people.mallory;
    addMember(krill, { userId: target.id, joinedAt: at });
    const crew = addRole(world, krill, { name: "crew" }, at);
    const officers = addRole(world, krill, { name: "officers" }, at);
    const captain = addRole(world, krill, { name: "captain", permissions: ALL_PERMISSIONS }, at);
    sim.setRoles({ who: "grace", roles: ["officers"] });
    sim.setRoles({ who: "Barnacle", roles: ["Barnacle", captain.name] });
    addChannel(world, krill, { name: "voice", kind: "voice" }, at);
    const rules: ActionScene["rules"] = { policy: policy({ groupPolicy: "open" }), alsoGuilds: [] };
    const refused: string[] = [];
    const presences: unknown[] = [];
    const answered = new Map<string, UserId>();
    const self = { userId: barnacle.userId, applicationId: barnacle.id, username: "Barnacle" };
    const { account, store, clock } = await testAccount({ api, self });
    let owner = "";
    const base = { policy: account.policy(), config: account.config() };
    const current = latestOf(
      () => rules.policy,
      (of, id: string) => ({
        ...of,
        commands: {
          ...of.commands,
          owners: id === "" ? [] : [{ kind: "user" as const, id: userId(id) }],
        },
      }),
    );
    const picture = () => Promise.resolve(PNG);
    Object.assign(account, {
      policy: () => ({ ...base.policy, admit: () => SEEN, policy: current(owner) }),
      config: () => ({
        ...base.config,
        tools: {
          ...base.config.tools,
          discord: { maxDestructive: 2, alsoGuilds: rules.alsoGuilds },
        },
        session: { ...base.config.session, dmScope: rules.sharesDirect ? "main" : "per-peer" },
      }),
      connection: {
        ...account.connection,
        setPresence: (set: unknown) => void presences.push(set),
      },
      store: {
        ...store,
        inbox: {
          ...store.inbox,
          askerOf: async (accountId: AccountId, messageId: MessageId) =>
            answered.get(messageId) ?? await store.inbox.askerOf(accountId, messageId),
        },
        outbox: {
          ...store.outbox,
          addAll: () => Promise.reject(new Error("This test sends no text")),
        },
      },
    });
    Object.assign(filesOf(account), { isMediaUrl: () => true, download: picture });
    Object.assign(filesOf(account).sent, { read: () => {}, keep() {}, ids: () => [] });
    const tools = [tool, readChannelHistory, voice];
    const toolbox = toolboxOf(tools, clock, { toolTimeoutMs: 100_000, cleanSecrets: String });
    let calls = 0;

    const messageBy = (
      by: User,
      { isDirect, isHook, place: where = channels.general, text, turn = ++calls }: Asking,
    ): InboundMessage => {
      const fields = {
        ...(isHook && { origin: { kind: "hook", hook: "ci", count: 1, post: "" } as const }),
        ...(text !== undefined && { text }),
        id: messageIdAt(Date.UTC(2026, 5, 1) + turn),
        sender: sender({ id: by.id, username: by.username }),
      };
      if (isDirect) return { ...directMessage(), ...fields };
      const place = guildPlace();
      return {
        ...guildMessage(),
        ...fields,
        place: {
          ...place,
          guild: { ...place.guild, id: krill.id },
          channel: { ...place.channel, id: where.kind === "thread" ? where.parentId : where.id },
          isAgeRestricted: where.kind !== "thread" && where.isAgeRestricted || undefined,
        },
        guildId: krill.id,
        channelId: where.id,
      };
    };

    const askIn = async (asking: Asking, ...all: readonly object[]) => {
      owner = people.ada.id;
      const open = all.map((given) => ({
        callKey: `${++calls}:call`,
        name: "discord",
        arguments: JSON.stringify(given),
      }));
      const context = toolContext({
        account,
        message: messageBy(people.grace, asking),
        callKey: open[0]?.callKey ?? "",
        open,
        made: open,
      });
      const [call] = open;
      return call && await toolbox.ask({ ...call, id: "1" }, context);
    };

    await test({
      ...discord,
      crew,
      target,
      refused,
      answered,
      rules,
      presences,
      clock,
      permit(...names) {
        const permissions = names.reduce((bits, name) => bits | PERMISSION[name], 0n);
        krill.roles.set(officers.id, { ...officers, permissions });
      },
      async run(args, asking = {}) {
        const { by = people.grace, isOwner = false, also } = asking;
        const decision = "decision" in asking ? asking.decision : confirmed(args, by);
        owner = isOwner ? by.id : "";
        const context = toolContext({
          account,
          message: messageBy(by, {
            ..."mediaUrl" in args && { text: `${args.mediaUrl}` },
            ...asking,
          }),
          ...(also && { also: [messageBy(also, asking)] }),
          ...(decision && { decision }),
          callKey: `${++calls}:call`,
        });
        const callOf = (given: object) => ({
          id: "1",
          name: "speech" in given
            ? voice.name
            : "action" in given
            ? tool.name
            : "read_channel_history",
          arguments: JSON.stringify("speech" in given ? given.speech : given),
        });
        const call = callOf(args);
        const before = (asking.before ?? []).map((one, at) => ({
          ...callOf(one),
          callKey: `${at}`,
        }));
        const made = [...before, { ...call, callKey: context.callKey }];
        const result = await toolbox.run(call, { ...context, made, open: made });
        assert.ok(isResult(result));
        if (result.refused) refused.push(result.refused);
        return result.text;
      },
      shows: (written, asking) =>
        showing(account, messageBy(asking.by ?? people.grace, asking))(written.id),
      ask: (...all) => askIn({}, ...all),
      askAs: (args, asking) => askIn(asking, args, ...asking.before ?? []),
      askIn: (turn, ...all) => askIn({ turn }, ...all),

      writes: () =>
        sim.requests.records().filter(({ method }) => method !== "GET")
          .map(({ method, path }) => `${method} ${path}`),
    });
  });
}
