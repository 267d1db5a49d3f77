import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../src/core/discord/ids.ts";
import { type DmScope, scopeFor, sessionKeyOf } from "../../src/session/session_key.ts";
import {
  channelId,
  directMessage,
  guildMessage,
  guildPlace,
  sender,
  userId,
} from "../support/discord/builders.ts";
import { vectorsOf } from "../support/discord/vectors.ts";

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
