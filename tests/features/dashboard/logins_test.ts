import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createDashboardLogins,
  LINK_MS,
  SESSION_MS,
} from "../../../src/features/dashboard/logins.ts";

function logins() {
  const clock = { now: 1_000_000, key: "a secret" };
  const all = createDashboardLogins(() => clock.key, () => clock.now);
  return { clock, ...all };
}

/** The token of a session. */
function loggedIn({ createLink, login }: Pick<ReturnType<typeof logins>, "createLink" | "login">) {
  return login(createLink()) ?? assert.fail("the link does not log in");
}

describe("[O6] createDashboardLogins()", () => {
  it("makes tokens of 256 bits, each another one", () => {
    const { createLink } = logins();
    const tokens = [createLink(), createLink(), loggedIn(logins())];
    assert.equal(new Set(tokens).size, 3);
    for (const token of tokens) assert.match(token, /^[\w-]{43}$/);
  });

  it("lets a link log in once, within five minutes", () => {
    const { clock, createLink, login } = logins();
    const [first, second] = [createLink(), createLink()];
    clock.now += LINK_MS - 1;
    assert.ok(login(first));
    assert.equal(login(first), undefined);
    clock.now += 1;
    assert.equal(login(second), undefined);
  });

  it("ends a session after hours, and by a logout", () => {
    const all = logins();
    const [first, second] = [loggedIn(all), loggedIn(all)];
    assert.ok(all.lasts(first));
    assert.ok(all.lasts(first));
    all.logout(first);
    assert.ok(!all.lasts(first));
    assert.ok(!all.lasts(first));
    all.clock.now += SESSION_MS - 1;
    assert.ok(all.lasts(second));
    all.clock.now += 1;
    assert.ok(!all.lasts(second));
  });

  it("ends links and sessions when a secret of the bot is rotated", () => {
    const all = logins();
    const [link, session] = [all.createLink(), loggedIn(all)];
    all.clock.key = "another secret";
    assert.ok(!all.lasts(session));
    assert.equal(all.login(link), undefined);
  });

  it("takes no link as a session, and no session as a link", () => {
    const all = logins();
    assert.ok(!all.lasts(all.createLink()));
    assert.equal(all.login(loggedIn(all)), undefined);
  });

  it("keeps few links and sessions: the oldest makes room", () => {
    const all = logins();
    const links = Array.from({ length: 5 }, all.createLink);
    assert.equal(all.login(links[0] ?? ""), undefined);
    assert.ok(all.login(links[1] ?? ""));
    const sessions = Array.from({ length: 17 }, () => loggedIn(all));
    assert.ok(!all.lasts(sessions[0] ?? ""));
    assert.ok(all.lasts(sessions[1] ?? ""));
  });
});
