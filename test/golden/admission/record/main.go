// Records what the API server's own code makes of specs: whether it takes them, and with which
// defaults. Run it again after a change of a CRD:
//
//	go run -mod=mod . ../../../../crds/forward-proxy.yaml ../forward-proxy.jsonl
//	go run -mod=mod . ../../../../crds/mirror-route.yaml ../mirror-route.jsonl
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	schemavalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

type row struct {
	Spec      any  `json:"spec"`
	Accepted  bool `json:"accepted"`
	Defaulted any  `json:"defaulted,omitempty"`
}

func main() {
	kind, definition := readDefinition(os.Args[1])
	structural, err := schema.NewStructural(definition)
	check(err)
	schemaValidator, _, err := schemavalidation.NewSchemaValidator(definition)
	check(err)
	celValidator := cel.NewValidator(structural, true, celconfig.PerCallLimit)

	recorded, err := os.ReadFile(os.Args[2])
	check(err)
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	lines := bufio.NewScanner(bytes.NewReader(recorded))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var recording row
		check(json.Unmarshal(lines.Bytes(), &recording))
		object := map[string]any{
			"apiVersion": "headgate.dev/v1alpha1",
			"kind":       kind,
			"metadata":   map[string]any{"name": "a"},
			"spec":       wholeNumbers(runtime.DeepCopyJSONValue(recording.Spec)),
		}
		defaulting.PruneNonNullableNullsWithoutDefaults(object, structural)
		defaulting.Default(object, structural)
		errs := schemavalidation.ValidateCustomResource(nil, object, schemaValidator)
		errs = append(errs, listtype.ValidateListSetsAndMaps(nil, structural, object)...)
		if len(errs) == 0 {
			broken, _ := celValidator.Validate(context.Background(), nil, structural, object, nil, celconfig.RuntimeCELCostBudget)
			errs = append(errs, broken...)
		}
		recording.Accepted = len(errs) == 0
		if recording.Defaulted != nil {
			recording.Defaulted = object["spec"]
		}
		check(encoder.Encode(recording))
	}
	check(os.WriteFile(os.Args[2], out.Bytes(), 0o644))
}

// readDefinition refuses a CRD that the API server would refuse, CEL cost included.
func readDefinition(file string) (string, *apiextensions.JSONSchemaProps) {
	text, err := os.ReadFile(file)
	check(err)
	var crd v1.CustomResourceDefinition
	check(yaml.UnmarshalStrict(text, &crd))
	scheme := runtime.NewScheme()
	install.Install(scheme)
	scheme.Default(&crd)
	var internal apiextensions.CustomResourceDefinition
	check(scheme.Convert(&crd, &internal, nil))
	internal.Status.StoredVersions = []string{"v1alpha1"}
	for _, err := range validation.ValidateCustomResourceDefinition(context.Background(), &internal) {
		check(err)
	}
	kind := internal.Spec.Names.Kind
	if internal.Spec.Validation != nil {
		return kind, internal.Spec.Validation.OpenAPIV3Schema
	}
	return kind, internal.Spec.Versions[0].Schema.OpenAPIV3Schema
}

// wholeNumbers makes int64 of them, as the API server decodes them.
func wholeNumbers(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name := range value {
			value[name] = wholeNumbers(value[name])
		}
		return value
	case []any:
		for index := range value {
			value[index] = wholeNumbers(value[index])
		}
		return value
	case float64:
		if value == float64(int64(value)) {
			return int64(value)
		}
	}
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
