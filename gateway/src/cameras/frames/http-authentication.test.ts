import { expect, it } from "vitest";

import { HttpAuthentication, parseChallenges } from "./http-authentication.ts";

const mufasa = { username: "Mufasa", password: "Circle of Life" };
const nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
const clientNonce = () => "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
const url = "http://www.example.org/dir/index.html";
const offer = (algorithm: string) =>
  `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="${nonce}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;

it("answers as the example of RFC 7616, section 3.9.1", () => {
  const responses = [offer("MD5"), offer("SHA-256"), `${offer("MD5")}, ${offer("SHA-256")}`].map((header) => {
    const authentication = new HttpAuthentication(mufasa, clientNonce);
    expect(authentication.challenge(header)).toBe(true);
    return /response="(\w+)"/.exec(authentication.header("GET", url) ?? "")?.[1];
  });
  expect(responses).toEqual([
    "8ca523f5e9506fed4657c9700eebdbec",
    "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
  ]);
});

it("answers as the example of RFC 2617 with the count of the nonce going up", () => {
  const account = { username: "Mufasa", password: "Circle Of Life" };
  const authentication = new HttpAuthentication(account, () => "0a4f113b");
  const header =
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"';
  expect(authentication.challenge(header)).toBe(true);
  const first = authentication.header("GET", "http://www.nowhere.org/dir/index.html");
  expect(first).toContain('response="6629fae49393a05397450978507c4ef1"');
  expect(first).toContain("nc=00000001");
  expect(authentication.header("GET", url)).toContain("nc=00000002");
});

it("takes Basic only from a camera that never offered Digest", () => {
  const authentication = new HttpAuthentication(mufasa, clientNonce);
  expect(authentication.challenge('Basic realm="x"')).toBe(true);
  expect(authentication.header("GET", url)).toMatch(/^Basic /);
  expect(authentication.challenge(offer("MD5"))).toBe(true);
  expect(authentication.challenge('Basic realm="x"')).toBe(false);
  expect(authentication.header("GET", url)).toBeUndefined();
});

it("knows no answer to other schemes and algorithms", () => {
  for (const header of [null, "", "Negotiate", offer("MD6"), "Bearer realm=x", '"""==,,', "Digest"]) {
    const authentication = new HttpAuthentication(mufasa, clientNonce);
    expect([header, authentication.challenge(header)]).toEqual([header, header === "Digest"]);
  }
});

it("reads several challenges in one header, with commas and quotes inside them", () => {
  const header = String.raw`Basic realm="a, \"b\"", Digest realm=c, nonce="d=", stale=true,Negotiate`;
  expect(parseChallenges(header).map(({ scheme, parameters }) => [scheme, ...parameters])).toEqual([
    ["basic", ["realm", 'a, "b"']],
    ["digest", ["realm", "c"], ["nonce", "d="], ["stale", "true"]],
    ["negotiate"],
  ]);
});
