// Judge says whether an edit of a runtime spec changed what Go decodes from it in the edited fields only: runc, and every
// engine, read specs with encoding/json.
//
// Standard input is a row of cases: a letter and three byte strings, each behind its length in four bytes, big endian. The
// letter is E (edited), R (not taken for JSON), P (no object process) or M (no object linux.resources); the strings are
// the spec, the edits as JSON, and the edited spec. For each case there is one line: ok, or what is wrong.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
)

// What the edits reach, and a field of each type beside it (runtime-spec, specs-go/config.go).
type spec struct {
	Version  string   `json:"ociVersion"`
	Process  *process `json:"process,omitempty"`
	Hostname string   `json:"hostname,omitempty"`
	Root     *struct {
		Path     string `json:"path"`
		Readonly bool   `json:"readonly,omitempty"`
	} `json:"root,omitempty"`
	Mounts []struct {
		Destination string   `json:"destination"`
		Options     []string `json:"options,omitempty"`
	} `json:"mounts,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Linux       *linux            `json:"linux,omitempty"`
}

type process struct {
	Terminal    bool     `json:"terminal,omitempty"`
	Args        []string `json:"args,omitempty"`
	Env         []string `json:"env,omitempty"`
	Cwd         string   `json:"cwd"`
	OOMScoreAdj *int     `json:"oomScoreAdj,omitempty"`
}

type linux struct {
	CgroupsPath string     `json:"cgroupsPath,omitempty"`
	Resources   *resources `json:"resources,omitempty"`
}

type resources struct {
	Memory *struct {
		Limit *int64 `json:"limit,omitempty"`
		Swap  *int64 `json:"swap,omitempty"`
	} `json:"memory,omitempty"`
	Unified map[string]string `json:"unified,omitempty"`
}

type edits struct {
	Score   *int              `json:"score"`
	Unified map[string]string `json:"unified"`
}

func main() {
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	for {
		outcome, err := in.ReadByte()
		if err == io.EOF {
			out.Flush()
			return
		}
		before, wanted, after := part(in), part(in), part(in)
		var edits edits
		if err := json.Unmarshal(wanted, &edits); err != nil {
			fail(err)
		}
		answer := "ok"
		if err := judge(outcome, before, edits, after); err != nil {
			answer = fmt.Sprintf("%q", err.Error())
		}
		fmt.Fprintln(out, answer)
		// Whoever asks for one case at a time waits for its answer.
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "judge:", err)
	os.Exit(2)
}

func part(in io.Reader) []byte {
	var length uint32
	if err := binary.Read(in, binary.BigEndian, &length); err != nil {
		fail(err)
	}
	bytes := make([]byte, length)
	if _, err := io.ReadFull(in, bytes); err != nil {
		fail(err)
	}
	return bytes
}

func judge(outcome byte, before []byte, edits edits, after []byte) error {
	syntax := check(before)
	if outcome == 'R' {
		// Of a number Go reads as much as is one; it is no spec either way.
		if syntax == nil && bytes.HasPrefix(bytes.TrimLeft(before, " \t\r\n"), []byte("{")) {
			return errors.New("it is rejected, and Go takes it")
		}
		return nil
	}
	if syntax != nil {
		// Go stops at 10 000 levels, and whoever reads so the spec with the edit stops there too.
		if strings.Contains(syntax.Error(), "exceeded max depth") {
			return nil
		}
		return fmt.Errorf("Go rejects it: %v", syntax)
	}
	old, oldErr := decode(before)
	if outcome != 'E' {
		there := outcome == 'P' && old.Process != nil || outcome == 'M' && old.Linux != nil && old.Linux.Resources != nil
		if oldErr == nil && there {
			return errors.New("there is no place for the edit, and Go sees one")
		}
		return nil
	}
	if err := check(after); err != nil {
		return fmt.Errorf("Go rejects the edited spec: %v", err)
	}
	now, nowErr := decode(after)
	if edits.Score != nil && old.Process != nil {
		old.Process.OOMScoreAdj = edits.Score
	}
	if len(edits.Unified) > 0 && old.Linux != nil && old.Linux.Resources != nil {
		resources := old.Linux.Resources
		if resources.Unified == nil {
			resources.Unified = map[string]string{}
		}
		for key, value := range edits.Unified {
			resources.Unified[key] = value
		}
	}
	// A spec that Go does not take as it was may stay one.
	if oldErr == nil && nowErr != nil {
		return fmt.Errorf("Go took it and no longer does: %v", nowErr)
	}
	if !(oldErr != nil && nowErr != nil) && !reflect.DeepEqual(old, now) {
		return fmt.Errorf("Go decodes %s and not %s", show(now), show(old))
	}
	oldRest, newRest := without(before, edits), without(after, edits)
	if !reflect.DeepEqual(oldRest, newRest) {
		return fmt.Errorf("beside the edited fields there is %v and not %v", newRest, oldRest)
	}
	return nil
}

// What Go says of the first value, as runc reads it.
func check(text []byte) error {
	var value json.RawMessage
	return json.NewDecoder(bytes.NewReader(text)).Decode(&value)
}

func decode(text []byte) (spec, error) {
	var spec spec
	err := json.NewDecoder(bytes.NewReader(text)).Decode(&spec)
	return spec, err
}

func show(spec spec) string {
	text, err := json.Marshal(spec)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

type member struct {
	key   string
	value any
}

type object []member

// The value with its order, its duplicate keys and the text of its numbers, without what the edits may set.
func without(text []byte, edits edits) any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	top := value(decoder)
	each(top, "process", func(process object) object {
		if edits.Score != nil {
			return drop(process, "oomScoreAdj")
		}
		return process
	})
	each(top, "linux", func(linux object) object {
		each(linux, "resources", func(resources object) object {
			if len(edits.Unified) > 0 {
				return drop(resources, "unified")
			}
			return resources
		})
		return linux
	})
	return top
}

func each(of any, key string, change func(object) object) {
	members, _ := of.(object)
	for index, it := range members {
		if inner, is := it.value.(object); is && strings.EqualFold(it.key, key) {
			members[index].value = change(inner)
		}
	}
}

func drop(members object, key string) object {
	kept := object{}
	for _, it := range members {
		if !strings.EqualFold(it.key, key) {
			kept = append(kept, it)
		}
	}
	return kept
}

func value(decoder *json.Decoder) any {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		members := object{}
		for decoder.More() {
			key, err := decoder.Token()
			if err != nil {
				return err
			}
			members = append(members, member{key.(string), value(decoder)})
		}
		decoder.Token()
		return members
	case json.Delim('['):
		items := []any{}
		for decoder.More() {
			items = append(items, value(decoder))
		}
		decoder.Token()
		return items
	}
	return token
}
