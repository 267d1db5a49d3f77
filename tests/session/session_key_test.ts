import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../src/core/discord/ids.ts";
import {
  type DmScope,
  resetDue,
  type ResetRule,
  scopeFor,
  sessionKeyOf,
  sessionNameOf,
} from "../../src/session/session.ts";
import {
  channelId,
  directMessage,
  guildId,
  guildMessage,
  guildPlace,
  sender,
  userId,
} from "../support/discord/builders.ts";
import { vectorsOf } from "../support/discord/vectors.ts";
import type { GuildPlace } from "../../src/core/inbound/inbound.ts";

const ADA = userId("123456789012345678");

describe("[S1] sessionKeyOf()", () => {
  const scopes: readonly [scope: DmScope, key: string][] = [
    ["main", "agent:main:main"],
    ["per-peer", `agent:main:direct:${ADA}`],
    ["per-channel-peer", `agent:main:discord:direct:${ADA}`],
    ["per-account-channel-peer", `agent:main:discord:default:direct:${ADA}`],
  ];
  for (const [scope, key] of scopes) {
    it(`keeps direct messages ${scope}`, () => {
      assert.equal(sessionKeyOf(directMessage(), "main", scope), key);
    });
  }

  it("names the agent", () => {
    assert.equal(sessionKeyOf(directMessage(), "ops", "main"), "agent:ops:main");
  });

  it("gives each guild channel its own session, for any scope of DMs", () => {
    const message = guildMessage();
    for (const [scope] of scopes) {
      const key = `agent:main:discord:channel:${message.channelId}`;
      assert.equal(sessionKeyOf(message, "main", scope), key);
    }
  });

  it("gives a thread its own session", () => {
    const thread = { id: channelId("1400000000000000012"), name: "notes" };
    const message = guildMessage({ place: guildPlace({ thread }) });
    assert.equal(sessionKeyOf(message, "main", "main"), `agent:main:discord:channel:${thread.id}`);
  });

  it("gives a group its own session", () => {
    const message = directMessage({ place: { kind: "group_dm", name: "main" } });
    assert.equal(
      sessionKeyOf(message, "main", "main"),
      `agent:main:discord:group:${message.channelId}`,
    );
  });

  it("does not depend on any name", () => {
    const [one, two] = ["ada", "bob"].map((username) =>
      sessionKeyOf(
        guildMessage({
          sender: sender({ username }),
          place: guildPlace({ channel: { ...guildPlace().channel, name: username } }),
        }),
        "main",
        "main",
      )
    );
    assert.equal(one, two);
  });
});

describe("[S1] scopeFor()", () => {
  const scopes: readonly [configured: DmScope | "auto", owner: DmScope, other: DmScope][] = [
    ["auto", "main", "per-channel-peer"],
    ["main", "main", "main"],
    ["per-peer", "per-peer", "per-peer"],
    ["per-channel-peer", "per-channel-peer", "per-channel-peer"],
    ["per-account-channel-peer", "per-account-channel-peer", "per-account-channel-peer"],
  ];
  for (const [configured, owner, other] of scopes) {
    it(`${configured}: ${owner} for the owner, ${other} for other users`, () => {
      assert.equal(scopeFor(configured, true), owner);
      assert.equal(scopeFor(configured, false), other);
    });
  }
});

describe("[S1] OpenClaw's session keys", () => {
  interface Input {
    readonly agentId: string;
    readonly accountId?: string;
    readonly peer: { readonly kind: "direct" | "channel"; readonly id: string } | null;
    readonly dmScope?: DmScope;
    readonly identityLinks?: unknown;
  }
  const { vectors, options } = vectorsOf<Input, string>(
    "seed-session-keys",
    "buildAgentSessionKey",
  );
  /** Ours has no peer without an id, no ids but snowflakes, no identity links, no slugs for agents. */
  const isOurs = ({ agentId, peer, identityLinks }: Input) =>
    agentId === "main" && /^\d+$/.test(peer?.id ?? "") && !identityLinks;

  describe("[S1] each", options, () => {
    for (const { input, expected } of vectors.filter(({ input }) => isOurs(input))) {
      it(`${JSON.stringify(input)} is ${expected}`, () => {
        const { peer, accountId = "default", agentId, dmScope } = input;
        assert.ok(peer);
        const message = peer.kind === "direct"
          ? directMessage({ sender: sender({ id: userId(peer.id) }) })
          : guildMessage({ channelId: channelId(peer.id) });
        const conversation = { ...message, accountId: toAccountId(accountId) };
        assert.equal(sessionKeyOf(conversation, agentId, dmScope ?? "main"), expected);
      });
    }
  });
});

describe("[S2] sessionNameOf()", () => {
  const thread = { id: channelId("1400000000000000012"), name: "My Notes" };
  const foreign = {
    guild: { id: guildId("1400000000000000010"), name: "日本語" },
    channel: { id: channelId("1400000000000000011"), name: "質問 (その2)" },
  };
  const nameless = {
    guild: { id: guildId("1400000000000000010"), name: "✨✨" },
    channel: { id: channelId("1400000000000000011"), name: "🦀" },
  };
  const cases: readonly [place: GuildPlace, slug: string | undefined, name: string][] = [
    [guildPlace(), undefined, "discord:friends-of-barnacle#help"],
    [guildPlace(), "crew", "discord:crew#help"],
    [guildPlace(), "", "discord:friends-of-barnacle#help"],
    [guildPlace({ thread }), undefined, "discord:friends-of-barnacle#help/my-notes"],
    [guildPlace(foreign), undefined, "discord:日本語#質問-その2"],
    [guildPlace(nameless), undefined, "discord:1400000000000000010#1400000000000000011"],
    [guildPlace({ thread: { ...thread, name: "覚書" } }), "crew", "discord:crew#help/覚書"],
  ];
  const SCRIPTS = [
    "помощь",
    "βοήθεια",
    "עזרה",
    "مساعدة",
    "सहायता",
    "ช่วยเหลือ",
    "도움말",
    "օգնություն",
  ];
  for (const name of SCRIPTS) {
    it(`keeps the letters of ${name}`, () => {
      const place = guildPlace({ channel: { id: channelId("1400000000000000011"), name } });
      assert.equal(sessionNameOf(place, "crew"), `discord:crew#${name.toLowerCase()}`);
    });
  }
  for (const [place, slug, name] of cases) {
    it(`is ${name}`, () => {
      assert.equal(sessionNameOf(place, slug), name);
    });
  }
});

describe("[S4a] resetDue() begins a new transcript", () => {
  const cases: readonly [title: string, ResetRule, times: string, cause?: string][] = [
    ["never with off", "off", "2020-01-01T00:00Z 2026-01-01T00:00Z"],
    ["not in a session without entries", "daily", " 2026-01-01T00:00Z"],
    ["with daily: not on the same day", "daily", "2026-01-01T05:00Z 2026-01-02T03:59Z"],
    ["with daily: at 4:00", "daily", "2026-01-02T03:59Z 2026-01-02T04:00Z", "daily"],
    ["with daily: after days", "daily", "2026-01-02T12:00Z 2026-01-09T11:00Z", "daily"],
    [
      "with daily: at 4:00 there",
      "daily",
      "2026-07-02T01:59Z 2026-07-02T02:00Z Europe/Vienna",
      "daily",
    ],
    [
      "with daily: not at 4:00 elsewhere",
      "daily",
      "2026-07-02T03:59Z 2026-07-02T04:00Z Europe/Vienna",
    ],
    ["not for an older message than the last", "daily", "2026-01-02T12:00Z 2026-01-01T12:00Z"],
    ["not before idleMinutes", { idleMinutes: 30 }, "2026-01-01T00:00:00Z 2026-01-01T00:29:59Z"],
    ["after idleMinutes", { idleMinutes: 30 }, "2026-01-01T00:00Z 2026-01-01T00:30Z", "idle"],
  ];
  for (const [title, rule, times, cause] of cases) {
    it(title, () => {
      const [last = "", sent = "", timezone = "UTC"] = times.split(" ");
      const lastAt = last === "" ? undefined : Date.parse(last);
      assert.equal(resetDue(rule, lastAt, Date.parse(sent), timezone), cause);
    });
  }
});
