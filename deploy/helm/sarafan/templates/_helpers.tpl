{{- define "sarafan.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* The release's name, with the chart's unless it has it already. Room is left for `-aggregator-<ordinal>`. */}}
{{- define "sarafan.fullname" -}}
{{- $name := include "sarafan.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes: selectors are made of it. */}}
{{- define "sarafan.selector" -}}
app.kubernetes.io/name: {{ include "sarafan.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sarafan.labels" -}}
{{ include "sarafan.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "sarafan.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "sarafan.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "sarafan.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* sarafan.toml. The job that runs first checks it: Helm knows an older TOML, and not the keys. */}}
{{- define "sarafan.config" -}}
{{- required "config: give the text of sarafan.toml, for example with --set-file config=sarafan.toml" .Values.config -}}
{{- end -}}

{{/* Environment of every role. Names of properties keep their dots: Kubernetes allows them, and no shell reads them. */}}
{{- define "sarafan.env" -}}
- name: SARAFAN__KAFKA__BROKERS
  value: {{ required "kafka.brokers: name the brokers, host:port" .Values.kafka.brokers | quote }}
{{- range $property, $secret := .Values.kafka.secretProperties }}
- name: SARAFAN__KAFKA__PROPERTIES__{{ upper $property }}
  valueFrom:
    secretKeyRef: {name: {{ $secret.name }}, key: {{ $secret.key }}}
{{- end }}
- name: SARAFAN__TOPICS__PARTITIONS
  value: {{ .Values.topics.partitions | quote }}
- name: SARAFAN__TOPICS__REPLICATION
  value: {{ .Values.topics.replication | quote }}
- name: SARAFAN__CLICKHOUSE__URL
  value: {{ required "clickhouse.url: name the HTTP interface, http://host:8123" .Values.clickhouse.url | quote }}
{{- with .Values.clickhouse.user }}
- name: SARAFAN__CLICKHOUSE__USER
  value: {{ . | quote }}
{{- end }}
{{- with .Values.clickhouse.passwordSecret }}
{{- if .name }}
- name: SARAFAN__CLICKHOUSE__PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ .name }}, key: {{ .key }}}
{{- end }}
{{- end }}
- name: SARAFAN__CLICKHOUSE__DATABASE
  value: {{ .Values.clickhouse.database | quote }}
- name: SARAFAN__CLICKHOUSE__STORE_DATABASE
  value: {{ .Values.clickhouse.storeDatabase | quote }}
{{- end -}}

{{/* Consumer groups, for those who ask how far others have come. */}}
{{- define "sarafan.groups" -}}
- name: SARAFAN__INGEST__GROUP
  value: {{ .Values.ingest.group | quote }}
- name: SARAFAN__AGGREGATOR__GROUP
  value: {{ .Values.aggregator.group | quote }}
{{- end -}}

{{/* Image, rights and mounts of every container. */}}
{{- define "sarafan.container" -}}
image: {{ include "sarafan.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: config, mountPath: /etc/sarafan, readOnly: true}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* What every pod has beside its containers; `configMap` is the one that holds sarafan.toml. */}}
{{- define "sarafan.pod" -}}
# No pod speaks to Kubernetes, and the variables that it makes of services are not wanted.
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: config
    configMap: {name: {{ .configMap }}}
  {{- with .root.Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A service's container: endpoints and probes. /livez answers as soon as the process runs, restoring or not, and fails when
     a loop has hung for service.hung_seconds; a restore holds /readyz back, and with it the rollout. */}}
{{- define "sarafan.served" -}}
ports:
  - {name: metrics, containerPort: 9100}
startupProbe:
  httpGet: {path: /livez, port: metrics}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /livez, port: metrics}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: metrics}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}

{{- define "sarafan.servedEnv" -}}
- name: SARAFAN__SERVICE__LISTEN
  value: 0.0.0.0:9100
- name: SARAFAN__SERVICE__DRAIN_SECONDS
  value: {{ .Values.drainSeconds | quote }}
{{- end -}}

{{/* Where the pods of a component run; `component` is its name in values and in labels. */}}
{{- define "sarafan.placed" -}}
{{- $root := .root -}}
{{- $component := .component -}}
{{- with index $root.Values $component -}}
{{- with .topologySpread }}
topologySpreadConstraints:
  {{- range . }}
  - {{ toYaml . | nindent 4 | trim }}
    labelSelector:
      matchLabels:
        {{- include "sarafan.selector" $root | nindent 8 }}
        app.kubernetes.io/component: {{ $component }}
  {{- end }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Labels and annotations of a component's pods. */}}
{{- define "sarafan.podMetadata" -}}
{{- $root := .root -}}
{{- $component := .component -}}
{{- with index $root.Values $component -}}
labels:
  {{- include "sarafan.selector" $root | nindent 2 }}
  app.kubernetes.io/component: {{ $component }}
  {{- with .podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  # A changed configuration is a changed pod.
  checksum/config: {{ include "sarafan.config" $root | sha256sum }}
  {{- with .podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}
