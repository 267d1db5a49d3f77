import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dateOf, isDateFormat, readOffice, readZip } from "../../src/extract/office.ts";
import { readPdf } from "../../src/extract/pdf.ts";
import { MAX_CHARS, MAX_PAGES, UnreadableError } from "../../src/extract/extractor.ts";
import { runExtractJob } from "../../src/extract/serve.ts";
import { docx, pdf, wav, zip } from "../support/files/samples.ts";

const MIB = 1024 * 1024;

describe("[H8] readOffice()", () => {
  it("reads paragraphs, tabs, tables and notes of a docx file, without deleted text", () => {
    const document = "<w:document xmlns:w='urn:w'><w:body>" +
      "<w:p><w:r><w:t>Tide</w:t><w:tab/><w:t xml:space='preserve'>high &amp; low</w:t></w:r></w:p>" +
      "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>" +
      "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc>" +
      "<w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>" +
      "</w:body></w:document>";
    const notes =
      "<w:footnotes xmlns:w='urn:w'><w:p><w:r><w:t>a note</w:t></w:r></w:p></w:footnotes>";
    const { text } = readOffice(zip({
      "word/document.xml": document,
      "word/footnotes.xml": notes,
    }));
    assert.equal(text, "Tide\thigh & low\n\na \tb\n\na note");
  });

  it("reads cells of an xlsx file as a table, with shared strings and dates", () => {
    const book = zip({
      "xl/worksheets/sheet1.xml": "<worksheet><sheetData>" +
        '<row><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>in line</t></is></c></row>' +
        '<row><c r="A2" s="1"><v>45000</v></c><c r="B2"><v>1.5</v></c><c r="C2" t="b"><v>1</v></c></row>' +
        "</sheetData></worksheet>",
      "xl/sharedStrings.xml": "<sst><si><r><t>Har</t></r><r><t>vest</t></r></si></sst>",
      "xl/styles.xml":
        '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
      "xl/workbook.xml":
        '<workbook><sheets><sheet name="2023" r:id="rId1"/><sheet name="None" r:id="rId2"/></sheets></workbook>',
      "xl/_rels/workbook.xml.rels":
        '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>',
    });
    const { text, pages } = readOffice(book);
    assert.equal(text, "[sheet: 2023]\nHarvest\t\tin line\n2023-03-15\t1.5\tTRUE\n\n[sheet: None]");
    assert.deepEqual(pages, { unit: "sheets", read: 2, total: 2 });
  });

  it("reads slides of a pptx file by number, with their notes, up to the limit", () => {
    const slide = (text: string) => `<p:sld><a:p><a:r><a:t>${text}</a:t></a:r></a:p></p:sld>`;
    const slides = Array.from({ length: 30 }, (_, index): [string, string] => [
      `ppt/slides/slide${index + 1}.xml`,
      slide(`slide text ${index + 1}`),
    ]);
    const { text, pages } = readOffice(zip({
      "ppt/presentation.xml": "<p/>",
      "ppt/notesSlides/notesSlide2.xml": slide("say it slowly"),
      ...Object.fromEntries(slides.reverse()),
    }));
    assert.ok(
      text.startsWith("[slide 1]\nslide text 1\n\n[slide 2]\nslide text 2\n[notes]\nsay it"),
    );
    assert.ok(!text.includes("slide text 21"));
    assert.deepEqual(pages, { unit: "slides", read: MAX_PAGES, total: 30 });
  });

  it("cuts a long text, and says so", () => {
    const { text, isCut } = readOffice(docx(["x".repeat(MAX_CHARS + 10)]));
    assert.equal(text.length, MAX_CHARS);
    assert.equal(isCut, true);
  });

  const refusals: readonly [title: string, make: () => Uint8Array, why: RegExp][] = [
    ["a zip bomb", () => docx(["0".repeat(24 * 1024 * 1024)]), /zip bomb/],
    [
      "many parts",
      () => zip(Object.fromEntries(Array.from({ length: 4_001 }, (_, at) => [`${at}`, ""]))),
      /more than 4000 parts/,
    ],
    ["another archive", () => zip({ "notes.txt": "hello" }), /archive, which is not unpacked/],
    [
      "entities that grow",
      () => zip({ "word/document.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>" }),
      /declares a document type/,
    ],
    [
      "an external entity",
      () => zip({ "word/document.xml": '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>' }),
      /declares a document type/,
    ],
    ["deep nesting", () => zip({ "word/document.xml": "<a>".repeat(300) }), /nested too deeply/],
    ["broken XML", () => zip({ "word/document.xml": "<a><b></a>" }), /damaged/],
    ["half an archive", () => docx(["a".repeat(100)]).slice(0, 120), /damaged|not unpacked/],
  ];
  for (const [title, make, why] of refusals) {
    it(`[SEC-R25] refuses ${title} in words`, () => {
      assert.throws(() => readOffice(make()), (error) => {
        assert.ok(error instanceof UnreadableError);
        assert.match(error.message, why);
        return true;
      });
    });
  }
});

describe("[SEC-R25] readZip()", () => {
  /** Inflates a part, and returns the number of bytes that its reader got. */
  function inflatedOf(part: Uint8Array<ArrayBuffer>): number {
    let bytes = 0;
    const reader = { write: (piece: Uint8Array) => void (bytes += piece.length), end() {} };
    try {
      readZip(zip({ part }), () => reader);
    } catch (error) {
      assert.match(String(error), /a zip bomb/);
    }
    return bytes;
  }

  it("ends a bomb with its first piece, and reads a table that repeats itself", () => {
    assert.equal(inflatedOf(new Uint8Array(48 * MIB)), 0);
    const rows = Array.from({ length: 80_000 }, (_, at) => `<c r="A${at}" s="1"/><c r="B${at}"/>`);
    const table = new TextEncoder().encode(rows.join(""));
    assert.ok(table.length > 2 * MIB);
    assert.equal(inflatedOf(table), table.length);
  });
});

it("[H8] isDateFormat() and dateOf() › tell dates from numbers, and write days, times and both", () => {
  assert.deepEqual(
    [[14, undefined], [2, undefined], [164, "yyyy-mm-dd"], [165, '0.00" days"'], [166, "[Red]0"]]
      .map(([id, code]) => isDateFormat(Number(id), code as string | undefined)),
    [true, false, true, false, false],
  );
  assert.equal(dateOf(45000, false), "2023-03-15");
  assert.equal(dateOf(45000.5, false), "2023-03-15 12:00");
  assert.equal(dateOf(0.25, false), "06:00");
  assert.equal(dateOf(43538, true), "2023-03-15");
  assert.equal(dateOf(-1, false), undefined);
});

describe("[H8] readPdf()", () => {
  it("reads the first pages, and tells their number", async () => {
    const { text, pages } = await readPdf(
      pdf(Array.from({ length: 25 }, (_, at) => `words of page ${at + 1}.`)),
    );
    assert.match(text, /\[page 1\]\nwords of page 1\.\n\n\[page 2\]/);
    assert.match(text, /words of page 20\.$/);
    assert.deepEqual(pages, { unit: "pages", read: 20, total: 25 });
  });

  it("[SEC-R25] refuses a damaged file in words", async () => {
    const broken = new TextEncoder().encode("%PDF-1.7\nnothing");
    await assert.rejects(readPdf(broken), {
      name: "UnreadableError",
      message: "the PDF is damaged",
    });
  });
});

it("[H10] runExtractJob() › measures a recording by its content", async () => {
  const result = await runExtractJob({ kind: "audio", bytes: wav(12), mediaType: "audio/wav" });
  assert.deepEqual(result, { durationSec: 12 });
});
