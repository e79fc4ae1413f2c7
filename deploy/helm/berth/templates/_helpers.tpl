{{/* There is one Berth in a cluster (the CSIDriver's name is the cluster's), so names are fixed. */}}
{{- define "berth.driver" -}}csi.berth.dev{{- end }}

{{- define "berth.image" -}}
{{ .Values.image | default (printf "berth:%s" .Chart.AppVersion) }}
{{- end }}

{{- define "berth.selector" -}}
app.kubernetes.io/name: berth
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "berth.labels" -}}
{{ include "berth.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name (.root.Chart.Version | replace "+" "_") }}
{{- end }}

{{- define "berth.controllerHost" -}}
berth-controller.{{ .Release.Namespace }}.svc
{{- end }}

{{/* Whether an optional kind is wanted: .want is auto, always or never. Empty is no. */}}
{{- define "berth.wanted" -}}
{{- if or (eq .want "always") (and (eq .want "auto") (.root.Capabilities.APIVersions.Has .kind)) -}}yes{{- end -}}
{{- end }}

{{- define "berth.snapshots" -}}
{{- include "berth.wanted" (dict "root" . "want" .Values.snapshots "kind" "snapshot.storage.k8s.io/v1/VolumeSnapshotClass") -}}
{{- end }}

{{/* Group snapshots are made of snapshots, by the same sidecar. */}}
{{- define "berth.groupSnapshots" -}}
{{- if include "berth.snapshots" . -}}
{{- include "berth.wanted" (dict "root" . "want" .Values.groupSnapshots "kind" "groupsnapshot.storage.k8s.io/v1/VolumeGroupSnapshotClass") -}}
{{- end -}}
{{- end }}

{{/* What nothing beside the node daemon needs to have. */}}
{{- define "berth.unprivileged" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "berth.unprivilegedPod" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}
