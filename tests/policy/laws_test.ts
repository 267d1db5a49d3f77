/** Laws that hold for every policy and every message (P1, P4, P10, P12). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { commandIn } from "../../src/core/inbound/inbound.ts";
import { factsOf, isMention, toMessage } from "../../src/core/inbound/inbox.ts";
import type { GuildPlace, InboundMessage } from "../../src/core/inbound/inbound.ts";
import type { ResolvedName } from "../../src/core/names.ts";
import {
  type AccessEvent,
  explainVerdict,
  prepareAuthorize,
  textCommandsOf,
} from "../../src/policy/admission.ts";
import type { AccessPolicy, AllowEntry } from "../../src/policy/rules.ts";
import { withNames } from "../../src/policy/rules.ts";
import { TEXT_COMMANDS } from "../../src/interactions/registry.ts";
import { userId } from "../support/discord/builders.ts";
import { ADA, admit, BOB, drawn } from "./policies.ts";
import { cases } from "../support/long_form.ts";

const { anEntry, aPolicy, aMessage, someKnownFacts, aPlace, aSender } = drawn;
const RUNS = { numRuns: cases(200, 5_000) };

/** The policy with every list of people changed. */
function withLists(
  policy: AccessPolicy,
  change: (list: readonly AllowEntry[]) => readonly AllowEntry[],
): AccessPolicy {
  const users = (list?: readonly AllowEntry[]) => list && { users: change(list) };
  const { guilds, commands } = policy;
  return {
    ...policy,
    dm: { ...policy.dm, allowFrom: change(policy.dm.allowFrom) },
    commands: { ...commands, ...(commands.owners && { owners: change(commands.owners) }) },
    ...(guilds && {
      guilds: mapped(guilds, (guild) => ({
        ...guild,
        ...users(guild.users),
        ...(guild.channels && {
          channels: mapped(guild.channels, (channel) => ({ ...channel, ...users(channel.users) })),
        }),
      })),
    }),
  };
}

/** Reasons after which a later turn may see the message. */
const CONTEXT_ONLY: ReadonlySet<string> = new Set([
  "no-mention",
  "to-others",
  "no-score",
  "not-for-bot",
  "no-reply-needed",
]);

function mapped<From, To>(record: Readonly<Record<string, From>>, convert: (value: From) => To) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, convert(value)]));
}

const anEvent: fc.Arbitrary<AccessEvent> = fc.oneof(
  fc.record({ kind: fc.constant("message"), message: aMessage }),
  fc.record({
    message: aMessage,
    what: fc.constantFrom(
      { kind: "reaction", on: "own" } as const,
      { kind: "reaction", on: "other" } as const,
      { kind: "button", needs: "owner" } as const,
      { kind: "select", needs: "session" } as const,
      { kind: "modal", needs: "approver" } as const,
      { kind: "slash", needs: "everyone" } as const,
      { kind: "speech" } as const,
    ),
  }).map(({ message: { place, channelId, sender }, what }) => ({
    place,
    channelId,
    sender,
    ...what,
  })),
);

/** Names of the drawn policies, resolved to drawn guilds and channels. */
const someNames: fc.Arbitrary<readonly ResolvedName[]> = fc.array(
  fc.record({
    place: aPlace,
    kind: fc.constantFrom("guild", "channel" as const),
    typed: fc.constantFrom("help", "Help Desk", "help-desk", "日本語", "constructor"),
  }).map(({ place: { guild, channel }, kind, typed }): ResolvedName => {
    const common = { typed, name: typed, at: 1 };
    return kind === "guild"
      ? { ...common, kind, id: guild.id }
      : { ...common, kind, id: channel.id, guildId: guild.id };
  }),
  { maxLength: 6 },
);

describe("[P1] laws of access", () => {
  it("denies no sender by one more entry in an allow list", () => {
    fc.assert(
      fc.property(aPolicy, anEvent, someKnownFacts, anEntry, (rules, event, knownFacts, entry) => {
        fc.pre(prepareAuthorize(rules, TEXT_COMMANDS)(event, knownFacts).kind === "accept");
        const longer = withLists(rules, (list) => [...list, entry]);
        assert.equal(prepareAuthorize(longer, TEXT_COMMANDS)(event, knownFacts).kind, "accept");
      }),
      RUNS,
    );
  });

  it("allows no sender and sends no code if disabled", () => {
    fc.assert(
      fc.property(aPolicy, anEvent, someKnownFacts, (rules, event, knownFacts) => {
        const closed = {
          ...rules,
          groupPolicy: "disabled",
          dm: { ...rules.dm, policy: "disabled" },
        } as const;
        assert.equal(prepareAuthorize(closed, TEXT_COMMANDS)(event, knownFacts).kind, "ignore");
      }),
      RUNS,
    );
  });

  it("does not depend on the order of keys", () => {
    const reversed = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
      Object.fromEntries(Object.entries(record).reverse());
    fc.assert(
      fc.property(aPolicy, anEvent, someKnownFacts, (rules, event, knownFacts) => {
        const guilds = rules.guilds && reversed(mapped(rules.guilds, (guild) => ({
          ...guild,
          ...(guild.channels && { channels: reversed(guild.channels) }),
        })));
        assert.deepEqual(
          prepareAuthorize({ ...rules, ...(guilds && { guilds }) }, TEXT_COMMANDS)(
            event,
            knownFacts,
          ),
          prepareAuthorize(rules, TEXT_COMMANDS)(event, knownFacts),
        );
      }),
      RUNS,
    );
  });

  it("[P12] allows no new name by an entry that is an id, or was resolved to one", () => {
    const names: readonly ResolvedName[] = [
      { kind: "user", typed: "ada", id: ADA, name: "ada", at: 1 },
      { kind: "user", typed: "bob#0001", id: BOB, name: "bob", at: 1 },
    ];
    const byId = ({ kind }: AllowEntry) => kind !== "role_name" && kind !== "name";
    fc.assert(
      fc.property(
        aPolicy,
        aMessage,
        someKnownFacts,
        fc.constantFrom("ada", "bob", "luna", "Mods", ADA, "mallory"),
        fc.constantFrom("ada#0001", "bob#0001", undefined),
        (rules, message, knownFacts, username, tag) => {
          fc.pre(!message.sender.pluralkit);
          // No person and no entry has the name "luna" yet: a name is a name.
          const ids = withLists(withNames(rules, names), (list) => list.filter(byId));
          const { tag: _, ...sender } = message.sender;
          const renamed = { ...sender, id: userId("42"), username, ...(tag && { tag }) };
          const nobody = { ...sender, id: userId("42"), username: "nobody" };
          const as = (sender: InboundMessage["sender"]) =>
            admit({ ...message, sender }, ids, knownFacts);
          assert.deepEqual(as(renamed), as(nobody));
        },
      ),
      RUNS,
    );
  });

  it("explains the very same verdict", () => {
    fc.assert(
      fc.property(
        aPolicy,
        someNames,
        anEvent,
        someKnownFacts,
        (written, names, event, knownFacts) => {
          const rules = withNames(written, names);
          const { verdict, checks } = explainVerdict(event, knownFacts, rules, TEXT_COMMANDS);
          assert.deepEqual(verdict, prepareAuthorize(rules, TEXT_COMMANDS)(event, knownFacts));
          const failed = checks.filter(({ passed }) => !passed);
          if (verdict.kind === "accept") return assert.deepEqual(failed, []);
          assert.deepEqual(failed, checks.slice(-1), "the last one, and no other, has failed");
          assert.equal(failed[0]?.rule, verdict.rule);
        },
      ),
      { numRuns: cases(600, 20_000) },
    );
  });

  it("gives the same verdict on facts without the text", () => {
    const found = new Set<string>();
    fc.assert(
      fc.property(aPolicy, aMessage, someKnownFacts, (rules, message, drawnFacts) => {
        const isPattern = !isMention(message) && rules.matchesPattern(message.text);
        const matchesPattern = isPattern ? true as const : undefined;
        const { intent } = drawnFacts;
        const knownFacts = intent
          ? { ...drawnFacts, intent: { ...intent, matchesPattern } }
          : drawnFacts;
        const verdict = admit(message, rules, knownFacts);
        // the store settles this one before it is on record, and a group gets no code
        if (verdict.kind === "challenge" && message.place.kind === "group_dm") return;
        found.add(verdict.why);
        const command = commandIn(message, textCommandsOf(rules, TEXT_COMMANDS))?.name;
        const facts = factsOf(message, knownFacts, verdict, verdict, command);
        const again = toMessage(JSON.parse(JSON.stringify(facts)), message);
        const explained = explainVerdict(
          { kind: "message", message: again },
          facts.knownFacts,
          rules,
          TEXT_COMMANDS,
        );
        assert.deepEqual(explained.verdict, verdict);
      }),
      { numRuns: cases(2_500, 50_000), seed: 6 },
    );
    const rare = ["pluralkit-original", "command", "not-owner", "mentioned", "dm-paired"];
    assert.deepEqual(rare.filter((why) => !found.has(why)), [], "the law says something");
  });

  it("[P11] [N3] answers no message of our own", () => {
    fc.assert(fc.property(aPolicy, anEvent, someKnownFacts, (rules, event, knownFacts) => {
      const { kind, why } = prepareAuthorize(rules, TEXT_COMMANDS)(event, {
        ...knownFacts,
        isOurs: true,
      });
      assert.deepEqual({ kind, why }, { kind: "ignore", why: "own" });
    }));
  });

  it("[P3] [P5] gives a code only to a person in a DM", () => {
    fc.assert(
      fc.property(aPolicy, anEvent, someKnownFacts, (rules, event, knownFacts) => {
        if (prepareAuthorize(rules, TEXT_COMMANDS)(event, knownFacts).kind !== "challenge") return;
        const { place, sender } = "message" in event ? event.message : event;
        // for a message in a group, the store knows whether its sender is paired, and gives no code
        const isAsked = event.kind === "message" && knownFacts.isPaired === undefined;
        assert.ok(place.kind === "dm" || (place.kind === "group_dm" && isAsked));
        assert.equal(sender.automaton, undefined);
        assert.ok(event.kind === "message" || event.kind === "slash");
      }),
      RUNS,
    );
  });

  it("[P13] lets only messages in guilds wait for PluralKit", () => {
    fc.assert(
      fc.property(aPolicy, anEvent, someKnownFacts, (rules, event, knownFacts) => {
        const verdict = prepareAuthorize(rules, TEXT_COMMANDS)(event, knownFacts);
        if (verdict.kind !== "undecided") return;
        assert.ok(rules.asksPluralkit && "message" in event);
        assert.equal(event.message.place.kind, "guild");
      }),
      RUNS,
    );
  });

  it("[K3] allows owners' commands to owners only, by any kind of event", () => {
    fc.assert(
      fc.property(aPolicy, aSender, aPlace, someKnownFacts, (rules, sender, place, knownFacts) => {
        const { owners: _, ...commands } = rules.commands;
        const ownerless = { ...rules, commands };
        const authorize = prepareAuthorize(ownerless, TEXT_COMMANDS);
        const who = { place, channelId: place.channel.id, sender };
        const { ownsApplication: __, ...rest } = knownFacts;
        for (const kind of ["button", "select", "modal", "slash"] as const) {
          assert.notEqual(authorize({ kind, ...who, needs: "owner" }, rest).kind, "accept");
        }
      }),
    );
  });

  it("[P10] keeps no message of an unlisted sender", () => {
    fc.assert(fc.property(aPolicy, aMessage, someKnownFacts, (rules, message, knownFacts) => {
      const verdict = admit(message, rules, knownFacts);
      if (verdict.kind !== "ignore" || !verdict.keepAsContext) return;
      assert.ok(CONTEXT_ONLY.has(verdict.why), verdict.why);
      assert.equal(message.place.kind, "guild");
    }));
  });

  it("[P7] never opens an unknown place further than the same known place", () => {
    /** All facts that a place may lack. A thread without its parent looks like a channel. */
    const lessKnown = (place: GuildPlace): readonly GuildPlace[] => {
      const { guild, channel, thread } = place;
      const nameless = <Id extends string>({ id }: { readonly id: Id }) => ({ id, name: id });
      return [guild, nameless(guild)].flatMap((known) => [
        { kind: "guild", guild: known, channel: nameless(thread ?? channel), isUnknown: true },
        { ...place, guild: known, channel: nameless(channel), isUnknown: true },
      ]);
    };
    let accepted = 0;
    fc.assert(
      fc.property(
        aPolicy,
        someNames,
        aMessage,
        someKnownFacts,
        (written, names, message, knownFacts) => {
          fc.pre(message.place.kind === "guild");
          const { thread } = message.place;
          fc.pre(!names.some(({ id }) => id === thread?.id)); // names of threads are never resolved
          const rules = withNames(written, names);
          const known = admit(message, rules, knownFacts);
          for (const place of lessKnown(message.place)) {
            const verdict = admit({ ...message, place }, rules, knownFacts);
            if (verdict.kind === "accept") accepted += 1;
            const isTurnedAway = verdict.kind === "ignore" && !verdict.keepAsContext &&
              (verdict.why === "guild-not-listed" || verdict.why === "channel-not-listed");
            if (!isTurnedAway) assert.deepEqual(verdict, known);
          }
        },
      ),
      { numRuns: cases(600, 20_000) },
    );
    assert.ok(accepted > 0, "the law says something");
  });
});
