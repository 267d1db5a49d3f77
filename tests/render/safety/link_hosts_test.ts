import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isPublicSite, PUBLIC_SITES } from "../../../src/render/safety/link_hosts.ts";

describe("[R9] the shipped list of hosts", () => {
  it("has each host once, in its normal form, and no bare wildcard of many owners", () => {
    const hosts = PUBLIC_SITES.map((site) => site.split("/", 1)[0]);
    assert.equal(new Set(hosts).size, hosts.length);
    for (const site of PUBLIC_SITES) {
      const host = site.replace(/^\*\./, "").replace(/\/.*$/, "");
      assert.equal(new URL(`https://${host}`).hostname, host, site);
      assert.match(host, /\./);
    }
  });

  const unlisted = [
    "docs.google.com", // forms
    "sites.google.com",
    "script.google.com",
    "translate.google.com", // fetches
    "web.archive.org",
    "validator.w3.org",
    "t.co", // redirects
    "bit.ly",
    "l.facebook.com",
    "evil.github.io", // subdomains of users
    "evil.gitlab.io",
    "evil.blogspot.com",
    "evil.substack.com",
    "www.amazon.com", // campaigns
    "apps.apple.com",
    "play.google.com",
    "store.steampowered.com",
    "docs.rs", // pages with code of users
    "huggingface.co",
    "webhook.site",
    "evil.discordsays.com",
    "images-ext-1.discordapp.net", // fetches
  ];
  for (const host of unlisted) {
    it(`lacks ${host}`, () => assert.equal(isPublicSite(host, `https://${host}/x`), false));
  }

  it("needs encryption, the usual port, and the listed path", () => {
    const isListed = (address: string) => isPublicSite(new URL(address).hostname, address);
    assert.equal(isListed("https://www.youtube.com/watch?v=1"), true);
    assert.equal(isListed("http://www.youtube.com/watch?v=1"), false);
    assert.equal(isListed("https://www.youtube.com:444/watch?v=1"), false);
    assert.equal(isListed("https://www.google.com/maps/x"), true);
    assert.equal(isListed("https://www.google.com/mapsx"), false);
  });

  const redirects = [
    "https://www.google.com/maps/../url?q=evil.example",
    "https://www.google.com/maps/%2e%2e/url?q=evil.example",
    "https://www.google.com/maps/.%2E/url",
    "https://en.wikipedia.org//evil.example",
    "https://vimeo.com/log_in?x=1",
    "https://github.com/login/oauth/authorize",
    "https://gitlab.com/x?a=%252F%252Fevil.example",
    "https://www.youtube.com/watch?v=1&continue=x",
    "https://discord.com/api/oauth2/authorize?client_id=1",
    "https://discord.com/oauth2/authorize?client_id=1&state=x&redirect_uri=y",
  ];
  for (const address of redirects) {
    it(`does not follow ${address}`, () => {
      const [, host = ""] = /^https:\/\/([^/]+)/.exec(address) ?? [];
      assert.equal(isPublicSite(host, address), false);
    });
  }

  it("keeps addresses with dots in names", () => {
    for (const path of ["a/.github/x", "a/...b", "a/b..c", "a/b/compare/v1...v2"]) {
      assert.equal(isPublicSite("github.com", `https://github.com/${path}`), true, path);
    }
  });
});
