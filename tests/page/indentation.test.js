// Scripts are sent without the spaces that lines begin with: that must not change what they say.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const STATIC = fileURLToPath(new URL("../../studio/ui/static/", import.meta.url));
const TEXTS = [
  ts.SyntaxKind.NoSubstitutionTemplateLiteral,
  ts.SyntaxKind.TemplateHead,
  ts.SyntaxKind.TemplateMiddle,
  ts.SyntaxKind.TemplateTail,
  ts.SyntaxKind.StringLiteral,
];

test("no text goes on in another line", () => {
  const files = readdirSync(STATIC, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".js"));
  assert.ok(files.length > 50);
  for (const name of files) {
    const source = ts.createSourceFile(name, readFileSync(STATIC + name, "utf8"), ts.ScriptTarget.Latest);
    const look = (/** @type {ts.Node} */ node) => {
      if (TEXTS.includes(node.kind)) assert.ok(!node.getText(source).includes("\n"), `${name}: ${node.getText(source)}`);
      ts.forEachChild(node, look);
    };
    look(source);
  }
});
