import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createBucket } from "../../src/files/bucket.ts";
import { BucketError } from "../../src/files/bucket_error.ts";
import { S3_BUCKET, S3_KEYS, type S3Fault, startS3 } from "../support/files/s3_server.ts";
import { bucketAt } from "./support.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const failure = (work: Promise<unknown>) =>
  work.then(
    () => "no failure",
    (error: unknown) => error instanceof BucketError ? `${error.kind}: ${error.message}` : error,
  );

describe("[O17] a bucket", () => {
  it("reads, writes, lists and deletes, with signatures that the server checks", async () => {
    await using s3 = await startS3();
    const bucket = bucketAt(s3);
    assert.equal(await bucket.get("a/one", 100), undefined);
    const mark = await bucket.put("a/one", bytes("1"), "new");
    assert.equal(await bucket.get("a/one", 100, mark), "same");
    const other = await bucket.put("a/one", bytes("2"), { mark });
    const found = await bucket.get("a/one", 100, mark);
    assert.deepEqual(found, { bytes: bytes("2"), mark: other });
    await bucket.put("a/empty", bytes(""));
    await bucket.put("b/two", bytes("2"));
    s3.page = 1;
    const keys: string[] = [];
    for await (const page of bucket.list("a/", 10)) keys.push(...page.map(({ key }) => key));
    assert.deepEqual(keys, ["a/empty", "a/one"]);
    await bucket.remove("a/one");
    await bucket.remove("a/one");
    assert.deepEqual([...s3.objects.keys()], ["bot/a/empty", "bot/b/two"]);
    assert.deepEqual(s3.refused, []);
  });

  it("does not replace an object that has changed, or that exists", async () => {
    await using s3 = await startS3();
    const bucket = bucketAt(s3);
    const mark = await bucket.put("a", bytes("1"), "new");
    await bucket.put("a", bytes("2"));
    assert.match(String(await failure(bucket.put("a", bytes("3"), { mark }))), /^moved/);
    assert.match(String(await failure(bucket.put("a", bytes("3"), "new"))), /^moved/);
    await bucket.remove("a");
    assert.match(String(await failure(bucket.put("a", bytes("3"), { mark }))), /^moved/);
    assert.equal(s3.objects.size, 0);
  });

  it("changes objects in a store that compares ETags without quotes, such as Ceph", async () => {
    await using s3 = await startS3();
    s3.comparesEtags = "bare";
    const bucket = bucketAt(s3);
    const first = await bucket.put("a", bytes("1"), "new");
    const second = await bucket.put("a", bytes("2"), { mark: first });
    assert.match(String(await failure(bucket.put("a", bytes("3"), { mark: first }))), /^moved/);
    await bucket.put("a", bytes("4"), { mark: second });
    assert.equal(String(s3.objects.get("bot/a")), "4");
    const requests = s3.requests.map((request) => request.split(" ")[0]);
    assert.deepEqual(requests, ["PUT", "PUT", "GET", "PUT", "PUT", "PUT"], "it learns that once");
    const other = bucketAt(s3);
    assert.match(String(await failure(other.put("a", bytes("5"), { mark: first }))), /^moved/);
    assert.equal(String(s3.objects.get("bot/a")), "4", "an older version replaces nothing");
    assert.deepEqual(s3.refused, []);
  });

  it("learns nothing of ETags from two writes at once", async () => {
    await using s3 = await startS3();
    const bucket = bucketAt(s3);
    const mark = await bucket.put("a", bytes("1"), "new");
    s3.fault = () => ({ status: 409, code: "ConditionalRequestConflict" });
    assert.match(String(await failure(bucket.put("a", bytes("2"), { mark }))), /^moved/);
    assert.deepEqual(s3.requests.length, 2, "no other form of the ETag was tried");
  });

  const faults: readonly (readonly [string, S3Fault, RegExp])[] = [
    ["breaks the connection", "cut", /^away: the file store does not answer/],
    ["says nothing", "silent", /^away: the file store takes too long/],
    ["sends half of an answer", "half", /^away/],
    ["is overloaded", { status: 503, code: "SlowDown" }, /^away: .*SlowDown \(503\)/],
    ["refuses the clock", { status: 403, code: "RequestTimeTooSkewed" }, /^away: .*clock.*NTP/],
    ["has no such bucket", { status: 404, code: "NoSuchBucket" }, /^config: .*create the bucket/],
    ["forbids it", { status: 403, code: "AccessDenied" }, /^config: .*let this key read, write/],
    ["sends elsewhere", { status: 301, code: "PermanentRedirect" }, /^config: .*files\.region/],
    ["is no store", { status: 418, code: "Teapot" }, /^config: .*files\.endpoint/],
  ];
  for (const [what, fault, expected] of faults) {
    it(`says in a sentence that the store ${what}`, async () => {
      await using s3 = await startS3();
      s3.objects.set("bot/a", Buffer.from("0123456789"));
      s3.fault = () => fault;
      const limitMs = fault === "silent" ? 300 : undefined;
      assert.match(String(await failure(bucketAt(s3, {}, limitMs).get("a", 100))), expected);
    });
  }

  it("repeats a request once", async () => {
    await using s3 = await startS3();
    let count = 0;
    s3.fault = () => count++ === 0 ? "cut" : undefined;
    await bucketAt(s3).put("a", bytes("1"));
    assert.equal(s3.objects.size, 1);
  });

  it("reports wrong keys, a wrong region and a wrong bucket with the next step", async () => {
    await using s3 = await startS3({ region: "eu-central-1" });
    const at = (over: Partial<Parameters<typeof createBucket>[0]>) =>
      failure(bucketAt(s3, { region: "eu-central-1", ...over }).get("a", 10));
    assert.match(
      String(await at({ accessKeyId: "AKIDOTHER" })),
      /InvalidAccessKeyId.*correct files\.accessKeyId/,
    );
    assert.match(
      String(await at({ secretAccessKey: "other" })),
      /SignatureDoesNotMatch.*correct files/,
    );
    assert.match(String(await at({ region: "us-west-1" })), /correct files\.region/);
    assert.match(String(await at({ bucket: "other" })), /NoSuchBucket.*correct files\.url/);
    assert.match(
      String(await failure(bucketAt({ endpoint: "http://127.0.0.1:1" }).get("a", 10))),
      /^away: the file store does not answer/,
    );
  });

  const places: readonly (readonly [object, string])[] = [
    [{ region: "eu-central-1" }, "https://files.s3.eu-central-1.amazonaws.com/bot/a"],
    [
      { bucket: "my.files", region: "eu-central-1" },
      "https://s3.eu-central-1.amazonaws.com/my.files/bot/a",
    ],
    [{ endpoint: "https://minio.example:9000" }, "https://minio.example:9000/files/bot/a"],
  ];
  for (const [over, expected] of places) {
    it(`asks ${expected}`, async () => {
      const asked: string[] = [];
      const bucket = createBucket({ bucket: S3_BUCKET, prefix: "bot/", ...S3_KEYS, ...over }, {
        fetch: (url) => {
          asked.push(String(url));
          const text = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
          return Promise.resolve(new Response(text, { headers: { etag: '"1"' } }));
        },
        now: () => 0,
        schedule: () => () => {},
      });
      await bucket.get("a", 100);
      for await (const _page of bucket.list("", 1)) { /* one request */ }
      assert.equal(asked[0], expected);
      assert.match(asked[1] ?? "", /^https:[^?]+\?list-type=2&max-keys=1000&prefix=bot%2F$/);
    });
  }

  for (
    const [name, text] of [
      ["a page of another server", "<html>login</html>"],
      ["an empty answer", ""],
      [
        "a page without a token for the next one",
        "<ListBucketResult><IsTruncated>true</IsTruncated>",
      ],
      ["a cut list", "<ListBucketResult><Contents><Key>bot/a</Key></Contents>"],
    ] as const
  ) {
    it(`takes ${name} for no list`, async () => {
      const bucket = createBucket({
        bucket: S3_BUCKET,
        prefix: "bot/",
        ...S3_KEYS,
        endpoint: "https://s3.example",
      }, {
        fetch: () => Promise.resolve(new Response(text, { headers: { etag: '"1"' } })),
        now: () => 0,
        schedule: () => () => {},
      });
      const listed = (async () => {
        for await (const _page of bucket.list("", 1)) { /* none */ }
      })();
      assert.match(String(await failure(listed)), /^damaged: the file store answers with no list/);
    });
  }

  it("reads a hostile list in a moment", async () => {
    const text = "<ListBucketResult><IsTruncated>false<" + "<Contents>".repeat(390_000);
    const bucket = createBucket({
      bucket: S3_BUCKET,
      prefix: "bot/",
      ...S3_KEYS,
      endpoint: "https://s3.example",
    }, {
      fetch: () => Promise.resolve(new Response(text, { headers: { etag: '"1"' } })),
      now: () => 0,
      schedule: () => () => {},
    });
    for await (const page of bucket.list("", 1)) assert.deepEqual(page, []);
  });

  it("says which stores do not know conditions", async () => {
    await using s3 = await startS3();
    s3.fault = () => ({ status: 501, code: "NotImplemented" });
    assert.match(
      String(await failure(bucketAt(s3).put("a", bytes("1"), "new"))),
      /^config: .*use a store that knows If-Match/,
    );
  });

  it("bounds what a hostile store sends", async () => {
    await using s3 = await startS3();
    s3.objects.set("bot/a", Buffer.alloc(2_000));
    assert.match(String(await failure(bucketAt(s3).get("a", 1_000))), /^damaged: .*too many bytes/);
    for (const key of ["bot/a/../../etc", "bot/x%00", "bot/a<b", "other/a", "bot/a/fine"]) {
      s3.objects.set(key, Buffer.from("x"));
    }
    const keys: string[] = [];
    for await (const page of bucketAt(s3).list("a/", 1)) keys.push(...page.map(({ key }) => key));
    assert.deepEqual(keys, ["a/../../etc", "a/fine"], "the caller knows the form of its keys");
  });
});
