"""An OPC UA client that is not ours: asyncua, as a panel for alarms and conditions.

usage: opcua-asyncua-panel.py ENDPOINT POLICY USER PASSWORD FOLDER

POLICY is Basic256Sha256, Aes128Sha256RsaOaep or Aes256Sha256RsaPss; the mode is always SignAndEncrypt. FOLDER keeps its key and
certificate. Prints {"connected": true} or {"refused": STATUS}, then {"event": {FIELD: VALUE}} for each event of a condition.
Reads one JSON object a line and answers each with {"answer": VALUE}:

  {"do": "refresh"}
  {"do": "call", "object": NODE, "method": NODE or NAME, "args": [[TYPE, VALUE], ...]}
  {"do": "read" or "node", "path": [NODE, NAME, ...]}
"""

import asyncio
import datetime
import json
import sys
from pathlib import Path

from asyncua import Client, ua
from asyncua.crypto import cert_gen, security_policies
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

application = "urn:independent:panel"


def say(what: dict) -> None:
    print(json.dumps(what, ensure_ascii=False), flush=True)


def plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, ua.LocalizedText):
        return value.Text
    if isinstance(value, ua.NodeId):
        return value.to_string()
    if isinstance(value, ua.StatusCode):
        return value.name
    if isinstance(value, datetime.datetime):
        return value.timestamp() * 1000
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return str(value)


class Panel:
    def event_notification(self, event) -> None:
        say({"event": {name: plain(field.Value) for name, field in event.get_event_props_as_fields_dict().items()}})

    def status_change_notification(self, status) -> None:
        say({"subscription": str(status)})


def argument(kind: str, value: object) -> ua.Variant:
    if kind == "ByteString":
        return ua.Variant(bytes.fromhex(value), ua.VariantType.ByteString)
    if kind == "LocalizedText":
        return ua.Variant(ua.LocalizedText(value), ua.VariantType.LocalizedText)
    return ua.Variant(value, ua.VariantType[kind])


async def do(client: Client, subscription, wish: dict) -> object:
    if wish["do"] == "refresh":
        condition_type = client.get_node(ua.ObjectIds.ConditionType)
        wanted = ua.Variant(subscription.subscription_id, ua.VariantType.UInt32)
        await condition_type.call_method(ua.NodeId(ua.ObjectIds.ConditionType_ConditionRefresh), wanted)
        return "Good"
    if wish["do"] == "call":
        node = client.get_node(wish["object"])
        method = wish["method"]
        # A name is looked up below the object, as a panel that browses does it.
        found = ua.NodeId.from_string(method) if "=" in method else (await node.get_child(method)).nodeid
        await node.call_method(found, *[argument(kind, value) for kind, value in wish["args"]])
        return "Good"
    node = client.get_node(wish["path"][0])
    if len(wish["path"]) > 1:
        node = await node.get_child(wish["path"][1:])
    if wish["do"] == "node":
        return node.nodeid.to_string()
    return plain(await node.read_value())


async def main() -> None:
    endpoint, policy, user, password, folder = sys.argv[1:6]
    key_file, certificate_file = Path(folder, "key.pem"), Path(folder, "certificate.der")
    if not key_file.exists():
        key = cert_gen.generate_private_key()
        key_file.write_bytes(cert_gen.dump_private_key_as_pem(key))
        names = [x509.UniformResourceIdentifier(application), x509.DNSName("localhost")]
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = cert_gen.generate_self_signed_app_certificate(key, "panel", {}, names, uses)
        certificate_file.write_bytes(certificate.public_bytes(Encoding.DER))
    client = Client(endpoint, timeout=60)
    client.application_uri = application
    client.set_user(user)
    client.set_password(password)
    try:
        chosen = getattr(security_policies, f"SecurityPolicy{policy}")
        await client.set_security(chosen, str(certificate_file), str(key_file))
        await client.connect()
    except Exception as error:  # an unreadable answer ends in an AssertionError of the library
        say({"refused": f"{type(error).__name__} {error}"})
        return
    try:
        subscription = await client.create_subscription(50, Panel())
        alarms = client.get_node(ua.ObjectIds.AlarmConditionType)
        await subscription.subscribe_alarms_and_conditions(ua.ObjectIds.Server, alarms)
        say({"connected": True})
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            try:
                say({"answer": await do(client, subscription, json.loads(line))})
            except ua.UaStatusCodeError as error:
                say({"answer": ua.StatusCode(error.code).name})
            except Exception as error:  # a panel stays; what asked must hear of it
                say({"answer": f"{type(error).__name__} {error}"})
    finally:
        await client.disconnect()


asyncio.run(main())
