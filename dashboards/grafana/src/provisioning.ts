import { datasource } from "./target.ts";

const notice = "# Generated from dashboards/grafana/src by npm run generate: change it there.";

/**
 * The data source file. Grafana fills in `$NAME` from its environment and `$__file{…}` from a file when it starts, so no
 * address and no secret is in here.
 */
export function datasourceFile(): string {
  return `${notice}
apiVersion: 1
datasources:
  - name: Frostlight InfluxDB
    uid: ${datasource.uid ?? ""}
    type: ${datasource.type ?? ""}
    access: proxy
    url: $FROSTLIGHT_INFLUXDB_URL
    user: $FROSTLIGHT_INFLUXDB_USER
    isDefault: true
    editable: false
    jsonData:
      dbName: $FROSTLIGHT_INFLUXDB_DATABASE
      httpMode: POST
      timeInterval: 1m
    secureJsonData:
      password: $__file{/run/secrets/influxdb-reader-password}
`;
}

/** The dashboard provider; Grafana reads the JSON files beside it. */
export function providerFile(): string {
  return `${notice}
apiVersion: 1
providers:
  - name: frostlight
    folder: Frostlight
    type: file
    disableDeletion: true
    allowUiUpdates: false
    options:
      path: /etc/grafana/provisioning/dashboards
`;
}
