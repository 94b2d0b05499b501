"""An OPC UA server that is not ours: asyncua. Prints one JSON line when ready; reads "NAME VALUE" lines from stdin.

usage: opcua-asyncua.py PORT
"""

import asyncio
import json
import sys

from asyncua import Server, ua


async def main() -> None:
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{sys.argv[1]}/independent")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await server.register_namespace("urn:other")
    index = await server.register_namespace("urn:independent")
    store = await server.nodes.objects.add_object(index, "ColdStore")
    nodes = {}
    for room in ("Room1", "Room2"):
        folder = await store.add_object(index, room)
        node = await folder.add_variable(ua.NodeId(f"{room}.Temperature", index), "Temperature", -20.5)
        unit = ua.EUInformation()
        unit.NamespaceUri = "http://www.opcfoundation.org/UA/units/un/cefact"
        unit.UnitId = 4604232 if room == "Room2" else 4408652
        unit.DisplayName = ua.LocalizedText("°F" if room == "Room2" else "°C")
        await node.add_property(0, "EngineeringUnits", unit)
        nodes[f"{room}.Temperature"] = node
    async with server:
        print(json.dumps({"ready": True, "endpoint": f"opc.tcp://127.0.0.1:{sys.argv[1]}/independent"}), flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            name, value = line.split()
            await nodes[name].write_value(float(value))


asyncio.run(main())
