import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { filesFault, filesFolderOf, filesPlaceOf } from "../../../src/core/files/place.ts";
import { load } from "../support.ts";

const KEYS = { accessKeyId: "${FILES_ID}", secretAccessKey: { env: "FILES_SECRET" } };
const env = { FILES_ID: "AKIDEXAMPLE", FILES_SECRET: "secret-canary-123" };

async function problemsOf(config: object): Promise<readonly string[]> {
  const { problems } = await load(JSON.stringify(config), { env });
  return problems.filter(({ path }) => /^files/.test(path)).map(({ severity, path, message }) =>
    `${severity} ${path} ${message}`
  );
}

describe("[O17] files.url", () => {
  const places: readonly (readonly [string, object])[] = [
    ["file:///mnt/barnacle/", { kind: "folder", path: "/mnt/barnacle" }],
    ["file:///mnt/a%20b", { kind: "folder", path: "/mnt/a b" }],
    ["file:///C:/files", { kind: "folder", path: "C:/files" }],
    ["s3://my-bucket", { kind: "bucket", bucket: "my-bucket", prefix: "" }],
    ["s3://my.bucket/bots/one/", { kind: "bucket", bucket: "my.bucket", prefix: "bots/one/" }],
  ];
  for (const [url, place] of places) {
    it(`reads ${url}`, () => {
      assert.equal(filesFault(url), undefined);
      assert.deepEqual(filesPlaceOf({ url }), place);
    });
  }

  const faulty: readonly (readonly [string, RegExp])[] = [
    ["/mnt/barnacle", /write file:\/\/\/folder, or s3:/],
    ["https://bucket.example", /write file:\/\/\/folder, or s3:/],
    ["file://server/share", /absolute path/],
    ["file:///", /names no folder/],
    ["file:///a%00b", /names no folder/],
    ["file:///a%2", /names no folder/],
    ["s3://", /names no bucket/],
    ["s3://AB", /names no bucket/],
    ["s3://bucket/a//b", /prefix/],
    ["s3://bucket/a b", /prefix/],
    [`s3://bucket/${"a".repeat(201)}`, /prefix/],
    ["s3://id:key@bucket/x", /more than a path/],
    ["s3://bucket/x?y=z", /more than a path/],
  ];
  for (const [url, fault] of faulty) {
    it(`refuses ${url.slice(0, 30)}`, async () => {
      assert.match(filesFault(url) ?? "", fault);
      const [problem = ""] = await problemsOf({
        files: { url },
        store: { url: "postgres://a@b/c" },
      });
      assert.match(problem, /^error files\.url Not a place for files: /);
    });
  }

  it("stays in the data directory without one", () => {
    assert.deepEqual(filesPlaceOf({}), { kind: "here" });
    assert.equal(filesFolderOf({}, "/data"), "/data");
    assert.equal(filesFolderOf({ files: { url: "s3://bucket" } }, "/data"), "/data");
    assert.equal(filesFolderOf({ files: { url: "file:///mnt/x" } }, "/data"), "/mnt/x");
  });

  it("warns once if several processes share a store, and no files", async () => {
    const store = { url: "postgres://bot@db.example/barnacle" };
    const [warning = "", ...others] = await problemsOf({ store });
    assert.match(warning, /^warning files\.url Workspaces and kept files stay on the machine/);
    assert.deepEqual(others, []);
    assert.deepEqual(await problemsOf({ store, files: { url: "file:///mnt/x" } }), []);
    assert.deepEqual(await problemsOf({}), []);
  });

  it("needs keys and a place for a bucket", async () => {
    const url = "s3://bucket";
    assert.match((await problemsOf({ files: { url } }))[0] ?? "", /error files A bucket needs/);
    assert.match((await problemsOf({ files: { url, ...KEYS } }))[0] ?? "", /needs "region"/);
    const region = { url, ...KEYS, region: "eu-central-1" };
    assert.deepEqual(await problemsOf({ files: region }), []);
    const endpoint = { url, ...KEYS, endpoint: "http://127.0.0.1:9000" };
    assert.deepEqual(await problemsOf({ files: endpoint }), []);
  });

  it("says which keys have no effect, and which workspaces it has not", async () => {
    const url = "file:///mnt/x";
    assert.match(
      (await problemsOf({ files: { url, region: "eu-central-1" } }))[0] ?? "",
      /^warning files\.region "region" has no effect/,
    );
    const agents = { defaults: { workspace: "/srv/agent" } };
    assert.match(
      (await problemsOf({ files: { url }, agents }))[0] ?? "",
      /^note files\.url Workspaces that agents name stay where they are/,
    );
  });
});
