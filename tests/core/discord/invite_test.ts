import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import {
  applicationIdIn,
  INVITE_PERMISSIONS,
  invitePermissions,
  inviteUrl,
} from "../../../src/core/discord/invite.ts";

const ID = parseSnowflake<"application">("1500000000000000002")!;

describe("[SEC-R34] inviteUrl()", () => {
  it("asks for exactly the permissions that this version uses", () => {
    assert.equal(invitePermissions(), "274877975552");
    assert.equal(
      inviteUrl(ID),
      "https://discord.com/oauth2/authorize?client_id=1500000000000000002" +
        "&scope=bot+applications.commands&permissions=274877975552",
    );
  });

  /** Administrator, managing of anything, and pinging @everyone. */
  const NEVER = [1, 2, 3, 4, 5, 13, 17, 28, 29, 30, 34, 40];
  for (const bit of NEVER) {
    it(`never asks for bit ${bit}`, () => {
      assert.equal(BigInt(invitePermissions()) & (1n << BigInt(bit)), 0n);
    });
  }

  it("gives a reason for each permission", () => {
    for (const { name, why } of INVITE_PERMISSIONS) assert.match(`${name}: ${why}`, /\w: to \w/);
  });
});

describe("[O3] applicationIdIn()", () => {
  it("reads the id that a token begins with", () => {
    const token = "MTUwMDAwMDAwMDAwMDAwMDAwMg.GabcdE.abcdefghijklmnopqrstuvwxyz0";
    assert.equal(applicationIdIn(token), ID);
  });

  for (
    const text of ["", "token", "a.b", "!.b.c", "AAAA.b.c", "MTUw.b", "MDA3.b.c", "\u0161.b.c"]
  ) {
    it(`finds none in ${JSON.stringify(text)}`, () => {
      assert.equal(applicationIdIn(text), undefined);
    });
  }
});
