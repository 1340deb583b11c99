// Answers what the reference packages find in each text: a JSON array of strings in, an array of answers out.
// Run in a folder whose node_modules holds twitter-text and @atproto/api: node oracles.mjs FOLDER < texts.json
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "package.json"));
const twitter = require("twitter-text");
const { RichText } = require("@atproto/api");
const codePoints = (text, end) => Array.from(text.slice(0, end)).length;

function x(text) {
  return twitter.extractEntitiesWithIndices(text).map((found) => {
    const [kind, value] = found.url !== undefined ? ["url", found.url]
      : found.screenName !== undefined ? ["mention", found.screenName + found.listSlug]
      : found.hashtag !== undefined ? ["hashtag", found.hashtag]
      : ["cashtag", found.cashtag];
    return [kind, ...found.indices.map((index) => codePoints(text, index)), value];
  });
}

function bluesky(text) {
  const rich = new RichText({ text });
  rich.detectFacetsWithoutResolution();
  const bytes = Buffer.from(text);
  return (rich.facets ?? []).map(({ index, features: [feature] }) => {
    const [start, end] = [index.byteStart, index.byteEnd].map((at) => Array.from(bytes.subarray(0, at).toString()).length);
    if (feature.did !== undefined) return ["mention", start, end, feature.did];
    if (feature.uri !== undefined) return ["url", start, end, feature.uri];
    return feature.tag.startsWith("$") && bytes[index.byteStart] === 0x24
      ? ["cashtag", start, end, feature.tag.slice(1)]
      : ["hashtag", start, end, feature.tag];
  });
}

const texts = JSON.parse(readFileSync(0, "utf8"));
const answers = texts.map((text) => ({
  length: twitter.parseTweet(text).weightedLength,
  x: x(text),
  bluesky: bluesky(text),
}));
process.stdout.write(JSON.stringify(answers));
