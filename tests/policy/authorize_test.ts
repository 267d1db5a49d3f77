import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Place, Sender } from "../../src/core/inbound/inbound.ts";
import type { KnownFacts } from "../../src/core/inbound/inbox.ts";
import { type AccessEvent, explainVerdict, prepareAuthorize } from "../../src/policy/admission.ts";
import type { AccessPolicy, GuildRules } from "../../src/policy/rules.ts";
import { TEXT_COMMANDS } from "../../src/interactions/registry.ts";
import { directMessage, guildMessage, guildPlace, sender } from "../support/discord/builders.ts";
import {
  ADA,
  BOB,
  bot,
  CHANNEL,
  commands,
  dm,
  entries,
  GUILD,
  guild,
  inWords,
  listing,
  policy,
  proxy,
  THREAD,
} from "./policies.ts";

const PLACES = {
  DM: { kind: "dm" },
  guild: guildPlace(),
  thread: guildPlace({ thread: { id: THREAD, name: "notes" } }),
} as const satisfies Readonly<Record<string, Place>>;

/** Ada acts in that place, on the bot if that matters. */
type Deed = (place: Place, from: Sender) => AccessEvent;

const doing = (place: Place, from: Sender) => ({ place, channelId: CHANNEL, sender: from });
const message = (place: Place, from: Sender) =>
  (place.kind === "guild" ? guildMessage : directMessage)({ place, sender: from, mention: "user" });

/** A kind of event without its row here does not compile [P16, SEC-R15]. */
const DEEDS: Readonly<Record<AccessEvent["kind"], Deed>> = {
  message: (place, from) => ({ kind: "message", message: message(place, from) }),
  reaction: (place, from) => ({ kind: "reaction", on: "own", ...doing(place, from) }),
  button: (place, from) => ({ kind: "button", needs: "everyone", ...doing(place, from) }),
  select: (place, from) => ({ kind: "select", needs: "everyone", ...doing(place, from) }),
  modal: (place, from) => ({ kind: "modal", needs: "everyone", ...doing(place, from) }),
  slash: (place, from) => ({ kind: "slash", needs: "everyone", ...doing(place, from) }),
  speech: (place, from) => ({ kind: "speech", ...doing(place, from) }),
};

describe("[P16] [SEC-R15] prepareAuthorize() › access by every kind of event", () => {
  const open = policy({
    ...listing({ users: entries(ADA) }),
    dm: dm({ policy: "allowlist", allowFrom: entries(ADA) }),
  });
  const authorize = prepareAuthorize(open, TEXT_COMMANDS);
  const ada = sender();
  const mallory = sender({ id: BOB, username: "mallory" });

  for (const [kind, deed] of Object.entries(DEEDS)) {
    for (const [where, place] of Object.entries(PLACES)) {
      it(`a ${kind} by a listed person, in a ${where}: allowed`, () => {
        assert.equal(authorize(deed(place, ada)).kind, "accept");
      });

      it(`a ${kind} by an unlisted person, in a ${where}: denied`, () => {
        const verdict = authorize(deed(place, mallory));
        const why = place.kind === "dm" ? "dm-not-allowed" : "sender-not-listed";
        assert.deepEqual([verdict.kind, verdict.why], ["ignore", why]);
        assert.ok(verdict.kind === "ignore" && !verdict.keepAsContext);
      });

      it(`a ${kind} by a bot with a listed name and id, in a ${where}: denied`, () => {
        const verdict = authorize(deed(place, bot));
        assert.deepEqual([verdict.kind, verdict.why], ["ignore", "bot"]);
      });

      it(`a ${kind} in a closed ${where}: denied`, () => {
        const closed = policy({
          dm: dm({ enabled: false, allowFrom: entries(ADA) }),
          ...listing({ users: entries(ADA), channels: { help: { enabled: false } } }),
        });
        const verdict = prepareAuthorize(closed, TEXT_COMMANDS)(deed(place, ada));
        const why = place.kind === "dm" ? "dm-disabled" : "channel-disabled";
        assert.deepEqual([verdict.kind, verdict.why], ["ignore", why]);
      });
    }
  }

  const strangers: Readonly<Record<AccessEvent["kind"], string>> = {
    message: "challenge: pairing by dm.policy",
    reaction: "ignore: dm-not-allowed by dm.policy",
    button: "ignore: dm-not-allowed by dm.policy",
    select: "ignore: dm-not-allowed by dm.policy",
    modal: "ignore: dm-not-allowed by dm.policy",
    slash: "challenge: pairing by dm.policy",
    speech: "ignore: dm-not-allowed by dm.policy",
  };
  for (const [kind, verdict] of Object.entries(strangers)) {
    it(`[P3] a stranger's ${kind} in a DM: ${verdict}`, () => {
      const deed = DEEDS[kind as AccessEvent["kind"]];
      assert.equal(
        inWords(prepareAuthorize(policy(), TEXT_COMMANDS)(deed(PLACES.DM, ada))),
        verdict,
      );
    });
  }

  it("[P13] judges PluralKit's webhook as a webhook, except for messages", () => {
    const rules = policy({ ...listing(), asksPluralkit: true });
    const verdict = prepareAuthorize(rules, TEXT_COMMANDS)(DEEDS.reaction(PLACES.guild, proxy));
    assert.equal(inWords(verdict), "ignore: webhook by allowBots");
  });
});

describe("[H5] reactions", () => {
  type Mode = GuildRules["reactionNotifications"];
  const R = `guilds.${GUILD}.reactionNotifications`;
  const off = `ignore: reactions-off by ${R}`;
  const listed = `accept: allowed by guilds.${GUILD}.users`;
  const anybody = `accept: allowed by guilds.${GUILD}`;
  const cases: readonly [Mode, readonly string[] | undefined, "own" | "other", string][] = [
    ["off", undefined, "own", off],
    ["own", undefined, "own", anybody],
    ["own", undefined, "other", off],
    ["all", undefined, "own", anybody],
    ["all", undefined, "other", anybody],
    ["allowlist", undefined, "own", off],
    ["allowlist", [], "own", `ignore: sender-not-listed by guilds.${GUILD}.users`],
    ["allowlist", [ADA], "own", listed],
    ["allowlist", [ADA], "other", listed],
    ["allowlist", ["*"], "other", listed],
    // P10 first, in every mode.
    ["all", [BOB], "own", `ignore: sender-not-listed by guilds.${GUILD}.users`],
    ["own", [BOB], "own", `ignore: sender-not-listed by guilds.${GUILD}.users`],
    ["allowlist", [BOB], "own", `ignore: sender-not-listed by guilds.${GUILD}.users`],
  ];
  for (const [mode, users, on, verdict] of cases) {
    const list = users ? JSON.stringify(users.map((id) => id === ADA ? "ada" : id)) : "no list";
    it(`"${mode}", ${list}, on ${on === "own" ? "the bot's" : "another's"}: ${verdict}`, () => {
      const rules = policy(
        listing({ reactionNotifications: mode, ...(users && { users: entries(...users) }) }),
      );
      const event = { kind: "reaction", on, ...doing(PLACES.guild, sender()) } as const;
      assert.equal(inWords(prepareAuthorize(rules, TEXT_COMMANDS)(event)), verdict);
    });
  }

  it('"allowlist" goes by the guild\'s list, though the channel has one of its own', () => {
    const rules = policy(listing({
      reactionNotifications: "allowlist",
      users: entries(BOB),
      channels: { help: { users: entries(ADA) } },
    }));
    const verdict = prepareAuthorize(rules, TEXT_COMMANDS)(DEEDS.reaction(PLACES.guild, sender()));
    assert.equal(inWords(verdict), off);
  });

  it("in an open guild without rules, on the bot's own messages", () => {
    const authorize = prepareAuthorize(policy({ groupPolicy: "open" }), TEXT_COMMANDS);
    const on = (on: "own" | "other") =>
      inWords(authorize({ kind: "reaction", on, ...doing(PLACES.guild, sender()) }));
    assert.equal(on("own"), "accept: allowed by groupPolicy");
    assert.equal(on("other"), "ignore: reactions-off by guilds.*.reactionNotifications");
  });

  for (const place of [{ kind: "dm" }, { kind: "group_dm" }] as const) {
    it(`in a ${place.kind}, on the bot's own messages`, () => {
      const rules = policy({ dm: dm({ policy: "open", groupEnabled: true }) });
      const on = (on: "own" | "other") =>
        prepareAuthorize(rules, TEXT_COMMANDS)({ kind: "reaction", on, ...doing(place, sender()) })
          .why;
      assert.deepEqual([on("own"), on("other")], ["allowed", "reactions-off"]);
    });
  }
});

describe("[K3] commands", () => {
  const owners = { commands: commands({ owners: entries(ADA) }) };
  const unlisted = listing({ users: entries(BOB) });
  const noGroups = { commands: commands({ usesAccessGroups: false }) };
  const OWNER = "commands.ownerAllowFrom";
  const IS_OWNER = `accept: owner by ${OWNER}`;
  const ALLOWED = `accept: allowed by ${OWNER}`;
  const UNLISTED = `ignore: sender-not-listed by guilds.${GUILD}.users`;
  const inPlace = { DM: PLACES.DM, guild: PLACES.guild, group: { kind: "group_dm" } } as const;

  const cases: readonly [
    name: string,
    rules: Partial<AccessPolicy>,
    needs: "everyone" | "session" | "owner" | "approver",
    where: keyof typeof inPlace,
    verdict: string,
    knownFacts?: KnownFacts,
  ][] = [
    ["who may talk", {}, "everyone", "guild", `accept: allowed by guilds.${GUILD}`],
    ["Discord's owner", {}, "owner", "guild", IS_OWNER, { ownsApplication: true }],
    ["an owner", owners, "approver", "guild", "ignore: not-approver by execApprovals.approvers"],
    ["an owner beside the guild's list", { ...owners, ...unlisted }, "owner", "guild", UNLISTED],
    ["who is not on the list", unlisted, "everyone", "guild", UNLISTED],
    [
      "an unlisted person, if the lists do not apply",
      { ...unlisted, ...noGroups },
      "everyone",
      "guild",
      "accept: allowed by commands.useAccessGroups",
    ],
    [
      "anyone in an unlisted guild, even if the lists do not apply",
      { ...noGroups, guilds: { "1": guild() } },
      "everyone",
      "guild",
      "ignore: guild-not-listed by guilds",
    ],
    ["a stranger", {}, "everyone", "DM", "challenge: pairing by dm.policy"],
    ["who is paired", {}, "session", "DM", "accept: allowed by dm.policy", { isPaired: true }],
    ["an owner who is not paired", owners, "owner", "DM", IS_OWNER],
    ["an owner who is not paired", owners, "everyone", "DM", ALLOWED],
    [
      "an approver who is not on the list",
      { approvers: [ADA], dm: dm({ policy: "allowlist" }) },
      "approver",
      "DM",
      "accept: allowed by execApprovals.approvers",
    ],
    [
      "a stranger, where lists do not hold",
      noGroups,
      "everyone",
      "DM",
      "accept: allowed by commands.useAccessGroups",
    ],
    [
      "who is listed",
      { dm: dm({ groupEnabled: true, allowFrom: entries(ADA) }) },
      "session",
      "group",
      "accept: allowed by dm.allowFrom",
    ],
    [
      "a stranger",
      { dm: dm({ groupEnabled: true }) },
      "everyone",
      "group",
      "ignore: dm-not-allowed by dm.policy",
    ],
  ];
  for (const [name, rules, needs, where, verdict, knownFacts] of cases) {
    it(`${name}: a command for ${needs} in a ${where}: ${verdict}`, () => {
      const authorize = prepareAuthorize(policy({ ...listing(), ...rules }), TEXT_COMMANDS);
      const event = { kind: "slash", needs, ...doing(inPlace[where], sender()) } as const;
      assert.equal(inWords(authorize(event, knownFacts)), verdict);
    });
  }
});

describe("[P1] explainVerdict()", () => {
  const checks = (event: AccessEvent, rules: AccessPolicy, knownFacts: KnownFacts = {}) =>
    explainVerdict(event, knownFacts, rules, TEXT_COMMANDS).checks.map((
      { id, passed, fact, rule },
    ) => `${passed ? "ok" : "NO"} ${id}: ${fact} [${rule.replace("channels.discord.", "")}]`);

  it("returns each check of a message that does not address the bot", () => {
    const rules = policy(listing({ users: entries("ada"), channels: { help: { allow: true } } }));
    assert.deepEqual(checks({ kind: "message", message: guildMessage() }, rules), [
      'ok guilds: groupPolicy is "allowlist" [groupPolicy]',
      `ok guild: "Friends of Barnacle" (${GUILD}) is listed [guilds.${GUILD}]`,
      `ok channel: "#help" (${CHANNEL}) is listed [guilds.${GUILD}.channels.help]`,
      `ok enabled: allow is true [guilds.${GUILD}.channels.help.allow]`,
      `ok sender: "ada" (${ADA}) is on the list as "ada" [guilds.${GUILD}.users]`,
      "ok content: it has content [gateway.intents]",
      `NO mention: it does not mention the bot [guilds.${GUILD}.requireMention]`,
    ]);
  });

  it("returns each check of a stranger's direct message", () => {
    const event = { kind: "message", message: directMessage() } as const;
    assert.deepEqual(checks(event, policy(), { isPaired: false }), [
      "ok dm: dm.enabled is true [dm.enabled]",
      'ok dm-policy: dm.policy is "pairing" [dm.policy]',
      `NO sender: "ada" (${ADA}) is not on the list, nor paired [dm.policy]`,
    ]);
  });

  it("[P12] names the typed name, and its resolved id", () => {
    const rules = policy({ dm: dm({ allowFrom: [{ kind: "user", id: ADA, typed: "ada" }] }) });
    const last = checks({ kind: "message", message: directMessage() }, rules).at(-1);
    assert.equal(last, `ok sender: "ada" (${ADA}) is on the list as "ada = ${ADA}" [dm.allowFrom]`);
  });

  it("[X1] quotes a name that a person chose, on one line", () => {
    const evil = guildPlace({ channel: { id: CHANNEL, name: 'x"\n\x1b[31mok sender: allowed' } });
    const [, , third] = checks(
      { kind: "message", message: guildMessage({ place: evil }) },
      policy(listing({ channels: {} })),
    );
    assert.ok(third?.startsWith("NO channel: "));
    assert.ok(![...third ?? ""].some((character) => character < " "), "no control character");
  });
});
